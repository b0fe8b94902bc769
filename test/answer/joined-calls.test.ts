import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inGroups, JoinedCalls } from '../../src/answer/joined-calls.js';

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Calls whose answers are their doubles; `bad` ones fail whichever calls they are joined to. */
function doubling(bad: readonly number[] = []) {
  const batches: number[][] = [];
  const calls = new JoinedCalls<number, number>(turn, async (some) => {
    batches.push([...some]);
    await turn();
    const wrong = some.find((each) => bad.includes(each));
    if (wrong !== undefined) throw new RangeError(`${wrong} is bad.`);
    return some.map((each) => 2 * each);
  });
  return { calls, batches };
}

test('calls of one turn are one batch, and those that come meanwhile the next', async () => {
  const { calls, batches } = doubling();
  const first = Promise.all([1, 2, 3].map((each) => calls.add(each)));
  while (batches.length === 0) await turn();
  const second = Promise.all([4, 5].map((each) => calls.add(each)));
  assert.equal(
    [await first, await second],
    [
      [2, 4, 6],
      [8, 10],
    ],
  );
  assert.is(await calls.add(6), 12);
  assert.equal(batches, [[1, 2, 3], [4, 5], [6]]);
});

test('each call has its own answer or its own error, whichever of them fail', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(40), { maxLength: 12 }), fc.array(fc.nat(40), { maxLength: 4 }), async (all, bad) => {
      const { calls } = doubling(bad);
      const settled = await Promise.allSettled(all.map((each) => calls.add(each)));
      settled.forEach((result, k) => {
        if (bad.includes(all[k])) assert.is(result.status === 'rejected' && result.reason.message, `${all[k]} is bad.`);
        else assert.is(result.status === 'fulfilled' && result.value, 2 * all[k]);
      });
    }),
    { numRuns: 20 },
  );
});

test('groups are answered each for itself, and the answers are in the order of the calls', async () => {
  const groups: number[][] = [];
  const answers = await inGroups(
    [3, 4, 5, 6, 7],
    (each) => each % 2,
    async (some) => {
      groups.push([...some]);
      return some.map(String);
    },
  );
  assert.equal(groups, [
    [3, 5, 7],
    [4, 6],
  ]);
  assert.equal(answers, ['3', '4', '5', '6', '7']);
});

test.run();
