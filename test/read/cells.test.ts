import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { Cells } from '../../src/read/cells.js';

test('values are written as String writes them, and no value as nothing', () => {
  const cells = new Cells();
  const value = fc.oneof(
    fc.maxSafeNat(),
    fc.integer(),
    fc.double(),
    fc.bigInt(),
    fc.string(),
    fc.constantFrom(null, undefined, 0, 9, 10, 99, 100),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 50 }), (values) => {
      const bytes = cells.write(values);
      const texts = values.map((_, k) => Buffer.from(bytes.subarray(cells.starts[k], cells.ends[k])).toString());
      assert.equal(
        texts,
        values.map((each) => (each === null || each === undefined ? '' : Buffer.from(String(each)).toString())),
      );
    }),
  );
});

test.run();
