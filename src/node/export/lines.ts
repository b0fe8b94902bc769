/** Tables as lines of text: CSV and JSON. */
import { asWritten } from '../../base/decimal.js';
import type { Block, Column } from './columns.js';

/** Rows whose lines are one piece. */
const ROWS_PER_PIECE = 2 ** 14;

export const csvPieces = (columns: readonly Column[], blocks: AsyncIterable<Block>): AsyncGenerator<Uint8Array> =>
  linePieces(columns, blocks, {
    head: `${columns.map(({ name }) => quoted(name)).join()}\n`,
    cell: ({ kind }) => (kind === 'float' ? (value) => String(asWritten(value as number)) : (value) => quoted(String(value ?? ''))),
    between: ',',
    end: '\n',
  });

export const jsonPieces = (columns: readonly Column[], blocks: AsyncIterable<Block>): AsyncGenerator<Uint8Array> =>
  linePieces(columns, blocks, {
    head: '',
    cell: ({ name, kind }, k) => {
      const begin = `${k === 0 ? '{' : ','}${JSON.stringify(name)}:`;
      if (kind === 'text') return (value) => begin + JSON.stringify(value ?? null);
      if (kind === 'float') return (value) => begin + asWritten(value as number);
      return (value) => begin + String(value);
    },
    between: '',
    end: '}\n',
  });

interface Style {
  head: string;
  cell: (column: Column, k: number) => (value: unknown) => string;
  between: string;
  end: string;
}

async function* linePieces(
  columns: readonly Column[],
  blocks: AsyncIterable<Block>,
  { head, cell, between, end }: Style,
): AsyncGenerator<Uint8Array> {
  const vector = columns.find(({ kind }) => kind === 'vector');
  if (vector) throw new TypeError(`The column ${vector.name} holds vectors, which only Parquet has.`);
  const cells = columns.map(cell);
  yield Buffer.from(head);
  for await (const block of blocks) {
    const nRows = block[0].length;
    for (let first = 0; first < nRows; first += ROWS_PER_PIECE) {
      let text = '';
      for (let row = first; row < Math.min(nRows, first + ROWS_PER_PIECE); row++) {
        for (let k = 0; k < cells.length; k++) text += (k === 0 ? '' : between) + cells[k](block[k][row]);
        text += end;
      }
      yield Buffer.from(text);
    }
  }
}

/** A field of CSV: in quotes where it would not be read as it is, such as one with a comma, or with a space at an end. */
const quoted = (text: string): string => (/[",\r\n]|^[\s#]|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
