import stringWidth from 'string-width';
import { oneLine } from '../process/terminal.js';

/** Which side of its column a cell keeps to. */
export type Align = 'left' | 'right';

/** Rows under a head, in columns as wide as their widest cell, two spaces apart. Numbers belong on the right. */
export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[], align: readonly Align[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(oneLine));
  const widths = head.map((_, column) => lines.reduce((widest, cells) => Math.max(widest, stringWidth(cells[column])), 0));
  return lines.map((cells) => alignedLine(cells, widths, align)).join('\n');
}

const EPOCH_WIDTH = 8;

/** A line of fastai's training table: columns at least 8 wide, two spaces apart. `names` are the column names. */
export function epochLine(names: readonly string[], values: readonly string[] = names): string {
  return alignedLine(
    values.map(oneLine),
    names.map((name) => Math.max(EPOCH_WIDTH, stringWidth(oneLine(name)))),
  );
}

function alignedLine(cells: readonly string[], widths: readonly number[], align: readonly Align[] = []): string {
  const padded = cells.map((cell, column) => {
    // Padding counts UTF-16 units, of which a wide character or an accent has more or fewer than columns.
    const length = widths[column] + cell.length - stringWidth(cell);
    return align[column] === 'right' ? cell.padStart(length) : cell.padEnd(length);
  });
  return padded.join('  ').trimEnd();
}
