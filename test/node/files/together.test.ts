import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFile } from 'node:fs/promises';
import { DotbiasError, FileFormatError } from '../../../src/base/errors.js';
import { ALONE } from '../../../src/base/ring.js';
import { fromFirst, onFirst, together } from '../../../src/node/files/together.js';
import { onRing } from '../../helpers/local-ring.js';
import { refusal } from '../../helpers/refusal.js';

const failing = (error: Error, on: readonly number[]) =>
  onRing(
    3,
    (ring) =>
      together(ring, async () => {
        if (on.includes(ring.rank)) throw error;
        return ring.rank;
      }).catch((each: unknown) => each),
    ['a', 'b', 'c'],
  );

test('each rank has what its own work gave, and what rank 0 has is given to all', async () => {
  assert.equal(await failing(new Error(), []), [0, 1, 2]);
  assert.equal(await onRing(3, (ring) => fromFirst(ring, async () => `rank ${ring.rank}`)), ['rank 0', 'rank 0', 'rank 0']);
  assert.equal(await onRing(2, (ring) => onFirst(ring, async () => ring.rank)), [0, undefined]);
});

test('what one rank is refused is thrown on all, in its words and with its name', async () => {
  for (const [on, message] of [
    [[2], 'Rank 2 on host c: Damaged.'],
    [[1, 2], 'Rank 1 on host b: Damaged.'],
    [[0, 1], 'Damaged.'],
  ] as const) {
    for (const error of await failing(new FileFormatError('Damaged.'), on)) {
      assert.instance(error, DotbiasError);
      assert.is((error as Error).message, message);
    }
  }
});

test('an error of the file system is one sentence', async () => {
  const missing = await readFile('/no/such/file').catch((error: Error) => error);
  for (const error of await failing(missing as Error, [1])) {
    assert.is((error as Error).message, 'Rank 1 on host b: /no/such/file: There is no such file or folder.');
  }
});

test('one rank alone throws what its work throws', async () => {
  const error = new TypeError('A defect.');
  assert.is(await refusal(() => together(ALONE, () => Promise.reject(error)), TypeError), error);
});

test.run();
