import Table from 'cli-table3';

/** Rows under a head, aligned in columns without lines. Numbers belong to the right. */
export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[], align: readonly ('left' | 'right')[]): string {
  const none = [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ];
  const table = new Table({
    chars: { ...Object.fromEntries(none.map((name) => [name, ''])), middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: [...align],
  });
  table.push([...head], ...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const WIDTH = 8;

/** A line of fastai's training table: columns at least 8 wide, two spaces apart. `names` are the column names. */
export function epochLine(names: readonly string[], values: readonly string[] = names): string {
  return values
    .map((value, i) => value.padEnd(Math.max(WIDTH, names[i].length)))
    .join('  ')
    .trimEnd();
}

/** A number as fastai's table shows it; `#na#` where there is none. */
export function sixDecimals(value: number): string {
  return Number.isNaN(value) ? '#na#' : value.toFixed(6);
}

/** `MM:SS`, from one hour `H:MM:SS`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  return `${hours > 0 ? `${hours}:` : ''}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
