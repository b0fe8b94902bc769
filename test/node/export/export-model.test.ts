import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exportFiles, exportModel } from '../../../src/node/export/export-model.js';
import { bytesOf } from '../../../src/read/bytes.js';
import { ParquetFile } from '../../../src/read/parquet-file.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { modelOf, scoreOf, tablesOf } from '../../helpers/rated-model.js';
import { assertRefused } from '../../helpers/refusal.js';

const sizes = { nUsers: 5, nItems: 4, nFactors: 3 };
const tables = tablesOf(sizes, (table, i) => Math.fround(Math.sin(1 + i * (table + 1))));
const titles = new Map([['i2', 'Two\twords']]);
const model = await modelOf(sizes, tables, { titles });
const plain = await modelOf({ ...sizes, bias: false }, tables);
const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const text = (name: string) => readFileSync(file(name), 'utf8');

/** Shape and numbers of a file of NumPy. */
function matrixOf(name: string) {
  const bytes = readFileSync(file(name));
  assert.is(bytes.subarray(0, 8).toString('latin1'), '\x93NUMPY\x01\0');
  const end = 10 + bytes.readUInt16LE(8);
  assert.is(end % 64, 0);
  const [, rows, columns] = /^\{'descr': '<f4', 'fortran_order': False, 'shape': \((\d+), (\d+)\), \} *\n$/.exec(
    bytes.toString('latin1', 10, end),
  )!;
  return { shape: [Number(rows), Number(columns)], values: new Float32Array(Uint8Array.from(bytes.subarray(end)).buffer) };
}

test('the product of both matrices is the raw score of every pair', async () => {
  assert.equal(await exportModel(model, file('items.npy')), [file('items.ids.csv'), file('items.npy')]);
  await exportModel(model, file('users.npy'), { side: 'users' });
  const [items, users] = [matrixOf('items.npy'), matrixOf('users.npy')];
  assert.equal(
    [items.shape, users.shape],
    [
      [3, 5],
      [4, 5],
    ],
  );
  assert.equal(items.values.slice(3, 5), Float32Array.of(tables.itemBias[1]!, 1));
  assert.equal(users.values.slice(3, 5), Float32Array.of(1, tables.userBias[1]!));
  for (let user = 0; user < 4; user++) {
    for (let item = 0; item < 3; item++) {
      const z = Array.from({ length: 5 }, (_, f) => users.values[5 * user + f]! * items.values[5 * item + f]!).reduce((a, b) => a + b);
      assert.ok(Math.abs(z - scoreOf(sizes, tables, user + 1, item + 1)) < 1e-6);
    }
  }
  assert.is(text('items.ids.csv'), 'row,item,title\n0,i1,\n1,i2,Two\twords\n2,i3,\n');
  assert.is(text('users.ids.csv'), 'row,user\n0,u1\n1,u2\n2,u3\n3,u4\n');
});

test('without biases the matrix is the vectors', async () => {
  await exportModel(plain, file('plain.npy'));
  const { shape, values } = matrixOf('plain.npy');
  assert.equal([shape, values], [[3, 3], tables.itemFactors.slice(3)]);
});

test('Parquet has ids, titles, biases and vectors', async () => {
  await exportModel(model, file('items.parquet'));
  const parquet = await ParquetFile.open(bytesOf(readFileSync(file('items.parquet')), 'x'), 'x');
  for await (const { columns } of parquet.groups(['item', 'title', 'bias', 'vector'])) {
    const [ids, names, biases, vectors] = columns.map((column) => Array.from(column));
    assert.equal(
      [ids, names],
      [
        ['i1', 'i2', 'i3'],
        [null, 'Two\twords', null],
      ],
    );
    assert.equal(biases, Array.from(tables.itemBias.slice(1)));
    assert.equal(Array.from(vectors![2] as ArrayLike<number>), Array.from(tables.itemFactors.slice(9)));
  }
});

test('the Embedding Projector gets vectors, and a line with names above several columns', async () => {
  await exportModel(model, file('items.tsv'));
  const lines = text('items.tsv')
    .trimEnd()
    .split('\n')
    .map((line) => Float32Array.from(line.split('\t'), Number));
  assert.equal(
    lines.flatMap((line) => Array.from(line)),
    Array.from(tables.itemFactors.slice(3)),
  );
  const [head, , two] = text('items.metadata.tsv').split('\n');
  assert.equal([head, two!.split('\t').slice(0, 2)], ['item\ttitle\tbias', ['i2', 'Two words']]);
  await exportModel(plain, file('plain.tsv'), { side: 'users' });
  assert.is(text('plain.metadata.tsv'), 'u1\nu2\nu3\nu4\n');
});

test('ONNX has ids by row beside it', async () => {
  assert.equal(await exportModel(model, file('m.onnx')), ['m.users.csv', 'm.items.csv', 'm.onnx'].map(file));
  assert.is(text('m.users.csv'), 'row,user\n1,u1\n2,u2\n3,u3\n4,u4\n');
});

test('what cannot be exported is refused before anything is written', async () => {
  const before = readdirSync(folder);
  await assertRefused(
    async () => exportFiles(file('m.pt')),
    /m\.pt ends with \.pt: the format follows from it, use \.parquet, \.npy, \.tsv or \.onnx\.$/,
  );
  await assertRefused(
    () => exportModel(model, file('x.onnx'), { side: 'items' }),
    /^ONNX has both sides of a model: leave side out\.$/,
    TypeError,
  );
  await assertRefused(() => exportModel(model, file('x.npy'), { side: 'film' as 'items' }), /^side must be/);
  assert.equal(readdirSync(folder), before);
});

test.run();
