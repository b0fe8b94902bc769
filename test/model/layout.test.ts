import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RowLayout, type Tables } from '../../src/model/layout.js';
import { randomTables, sameBits } from '../helpers/training.js';

const shapes = fc.record({
  nUsers: fc.integer({ min: 1, max: 5 }),
  nItems: fc.integer({ min: 1, max: 5 }),
  nFactors: fc.integer({ min: 1, max: 9 }),
  hasBias: fc.boolean(),
});

test('unpack is the inverse of pack, for any shape and any bits', () => {
  const cases = shapes.chain((shape) => {
    const most = Math.fround(1e14); // parameters beyond 1e15 are refused
    const floats = (length: number) => fc.float32Array({ minLength: length, maxLength: length, noNaN: true, min: -most, max: most });
    const { nUsers, nItems, nFactors, hasBias } = shape;
    const biases = (n: number) => (hasBias ? floats(n) : fc.constant(new Float32Array(n)));
    const tables = fc.tuple(floats(nUsers * nFactors), floats(nItems * nFactors), biases(nUsers), biases(nItems));
    return fc.tuple(fc.constant(shape), tables);
  });
  fc.assert(
    fc.property(cases, ([shape, [userFactors, itemFactors, userBias, itemBias]]) => {
      const layout = new RowLayout(shape);
      const tables: Tables = { userFactors, itemFactors, userBias, itemBias };
      const packed = layout.pack(tables);
      const back = layout.unpack(packed);
      for (const [name, values] of Object.entries(tables)) assert.ok(sameBits(back[name as keyof Tables], values as Float32Array), name);
      assert.ok(sameBits(layout.pack(back), packed));
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('a row is its factors, padded with zeros to whole vec4s, then a vec4 of its bias; users come before items', () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const { nUsers, nItems, nFactors, hasBias } = shape;
      const layout = new RowLayout(shape);
      const factorVecs = Math.ceil(nFactors / 4);
      assert.equal([layout.factorVecs, layout.rowVecs], [factorVecs, factorVecs + (hasBias ? 1 : 0)]);
      assert.equal([layout.nRows, layout.rowStride, layout.biasColumn], [nUsers + nItems, 4 * layout.rowVecs, 4 * factorVecs]);
      const tables = randomTables(shape, 1);
      const packed = layout.pack(tables);
      assert.is(packed.length, layout.nParams);
      for (let row = 0; row < layout.nRows; row++) {
        const [factors, biases, k] =
          row < nUsers ? [tables.userFactors, tables.userBias, row] : [tables.itemFactors, tables.itemBias, row - nUsers];
        const wanted = new Float32Array(layout.rowStride);
        wanted.set(factors.subarray(k * nFactors, (k + 1) * nFactors));
        if (hasBias) wanted[layout.biasColumn] = biases[k];
        assert.ok(sameBits(packed.subarray(row * layout.rowStride, (row + 1) * layout.rowStride), wanted), `row ${row}`);
      }
    }),
    { numRuns: 100, seed: 2 },
  );
});

test('no rows are packed and unpacked as none', () => {
  const layout = new RowLayout({ nUsers: 1, nItems: 1, nFactors: 3, hasBias: true });
  const { factors, biases } = layout.unpackRows(new Float32Array(0));
  assert.equal([factors.length, biases.length], [0, 0]);
});

test('tables of a wrong size, or with a value that is no number, are refused by name', () => {
  const shape = { nUsers: 2, nItems: 3, nFactors: 2, hasBias: true };
  const layout = new RowLayout(shape);
  const tables = randomTables(shape, 1);
  assert.throws(() => layout.pack({ ...tables, itemBias: new Float32Array(2) }), /^itemBias must hold 3 values, not 2\.$/);
  assert.throws(() => layout.pack({ ...tables, userFactors: undefined as never }), /^userFactors must hold 4 values, not undefined\.$/);
  assert.throws(() => layout.pack({ ...tables, itemFactors: tables.itemFactors.with(5, NaN) }), /^itemFactors\[5\] is NaN, not a finite/);
});

test.run();
