import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ALONE, type Ring } from '../../../src/base/ring.js';
import { RankTimes } from '../../../src/cli/process/rank-times.js';
import { onRing } from '../../helpers/local-ring.js';

/** What ranks say that work for so many seconds, and wait in the ring for so many. */
const saysOf = (work: readonly number[], waits = work.map(() => 0)) =>
  onRing(
    work.length,
    async (ring) => {
      let now = 0;
      const slowRing: Ring = { ...ring, meet: async () => void (now += waits[ring.rank] * 1000) };
      const times = new RankTimes(slowRing, () => now);
      now += work[ring.rank] * 1000;
      await times.ring.meet();
      const first = await times.lap();
      assert.is(await times.lap(), undefined, 'a lap begins anew');
      return first;
    },
    work.map((_, rank) => `host${rank}`),
  );

test('a rank that works longer than the median rank is named, with its machine, on every rank', async () => {
  const sentence = 'The others waited for rank 2 (host2, 14.0 s of work); the median rank worked for 9.0 s.';
  assert.equal(await saysOf([8, 9, 14, 9]), [sentence, sentence, sentence, sentence]);
  assert.match((await saysOf([5, 9]))[0]!, /rank 1 \(host1, 9\.0 s of work\)/);
});

test('ranks of about one speed are not named, nor one that waits, nor a second too many', async () => {
  for (const [work, waits] of [
    [
      [8, 9, 10],
      [0, 0, 0],
    ],
    [
      [9, 9, 9],
      [0, 30, 0],
    ],
    [
      [0.2, 0.9, 0.2],
      [0, 0, 0],
    ],
  ]) {
    assert.equal(await saysOf(work, waits), [undefined, undefined, undefined]);
  }
});

test('one process waits for nobody', async () => {
  assert.is(await new RankTimes(ALONE).lap(), undefined);
});

test.run();
