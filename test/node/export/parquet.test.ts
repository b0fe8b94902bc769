import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf } from '../../../src/read/bytes.js';
import { ParquetFile } from '../../../src/read/parquet-file.js';
import { parquetPieces } from '../../../src/node/export/parquet.js';
import type { Block, Column } from '../../../src/node/export/columns.js';

const columns: Column[] = [
  { name: 'user', kind: 'whole' },
  { name: 'rank', kind: 'rank' },
  { name: 'title', kind: 'text' },
  { name: 'prediction', kind: 'float' },
];

async function* blocksOf(...blocks: Block[]): AsyncGenerator<Block> {
  yield* blocks;
}

async function piecesOf(of: readonly Column[], ...blocks: Block[]): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of parquetPieces(of, blocksOf(...blocks))) pieces.push(piece);
  return pieces;
}

async function readBack(pieces: Uint8Array[], names: readonly string[]) {
  const file = await ParquetFile.open(bytesOf(Buffer.concat(pieces), 'x.parquet'), 'x.parquet');
  const groups = [];
  for await (const { begin, end, columns: values } of file.groups(names)) {
    groups.push({ begin, end, columns: values.map((column) => Array.from(column)) });
  }
  return groups;
}

test('each block is a piece of the file and a group of its rows, and comes back as it was', async () => {
  const title = 'Léon, "the" pro\nfessional 🎬';
  const pieces = await piecesOf(
    columns,
    [[1, 2 ** 53 - 1], [1, 2], [title, undefined], Float32Array.of(3.4, -0.5)],
    [[7], [1], [''], Float32Array.of(1e-9)],
  );
  assert.is(pieces.length, 3);
  assert.equal(
    await readBack(
      pieces,
      columns.map(({ name }) => name),
    ),
    [
      {
        begin: 0,
        end: 2,
        columns: [
          [1n, BigInt(2 ** 53 - 1)],
          [1, 2],
          [title, null],
          [Math.fround(3.4), -0.5],
        ],
      },
      { begin: 2, end: 3, columns: [[7n], [1], [''], [Math.fround(1e-9)]] },
    ],
  );
});

test('a table without rows has its columns', async () => {
  const pieces = await piecesOf(columns);
  const file = await ParquetFile.open(bytesOf(Buffer.concat(pieces), 'x.parquet'), 'x.parquet');
  assert.is(file.nRows, 0);
  assert.equal(
    file.columns.map(({ element }) => element.name),
    ['user', 'rank', 'title', 'prediction'],
  );
});

test('vectors are lists of float32', async () => {
  const vectors = [Float32Array.of(1, -2.5), Float32Array.of(0.1, 0)];
  const pieces = await piecesOf(
    [
      { name: 'item', kind: 'text' },
      { name: 'vector', kind: 'vector' },
    ],
    [['a', 'b'], vectors],
  );
  const [group] = await readBack(pieces, ['item', 'vector']);
  assert.equal(
    group.columns[1].map((each) => Array.from(each as ArrayLike<number>)),
    vectors.map((each) => Array.from(each)),
  );
});

test.run();
