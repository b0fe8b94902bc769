import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hash32, permute, STREAM } from '../../src/base/random.js';
import type { Ratings } from '../../src/data/ratings.js';
import { checkStrata } from '../../src/train/options.js';
import { Strata } from '../../src/data/strata.js';
import { assertRefused } from '../helpers/refusal.js';

interface Problem {
  train: Ratings;
  nUsers: number;
  nItems: number;
  strata: Strata;
}

/** Ratings with a long tail of users, each pair at most once. */
function problemOf(n: number, S: number, R: number, batchSize: number, seed = 1): Problem {
  const [nUsers, nItems] = [40, 30];
  const users = Uint32Array.from({ length: n }, (_, k) => 1 + Math.floor((hash32(seed, 1, k, 0) / 2 ** 32) ** 2 * (nUsers - 1)));
  const items = Uint32Array.from({ length: n }, (_, k) => 1 + (hash32(seed, 2, k, 0) % (nItems - 1)));
  const train = { users, items, ratings: Float32Array.from(users, (_, k) => k) };
  return { train, nUsers, nItems, strata: Strata.of(train, nUsers, nItems, batchSize, { strata: S, passes: R, seed }) };
}

const shapes = fc.record({
  n: fc.integer({ min: 3000, max: 4000 }),
  S: fc.constantFrom(2, 3, 4, 8),
  R: fc.constantFrom(1, 2, 3),
  batchSize: fc.constantFrom(1, 3, 4),
  seed: fc.nat(1000),
});

/** Ratings of a round in the order that the documentation gives, slowly. */
function specified(
  { train, strata: { users, items } }: Problem,
  epoch: number,
  round: number,
  S: number,
  R: number,
  B: number,
  seed: number,
) {
  const [pass, k] = [Math.floor(round / S), round % S];
  const list: { row: number; u: number }[] = [];
  for (let u = 0; u < S; u++) {
    const i = (u + k) % S;
    const rows = [...train.users.keys()].filter((row) => users.block[train.users[row]] === u && items.block[train.items[row]] === i);
    const n = rows.length;
    const key = hash32(seed, STREAM.ORDER, epoch, 0x10000 + u * S + i);
    rows.forEach((row, j) => {
      const place = permute(n, key, j);
      if (place >= Math.floor((n * pass) / R) && place < Math.floor((n * (pass + 1)) / R)) list.push({ row, u });
    });
  }
  const key = hash32(seed, STREAM.ORDER, epoch, round);
  const atPlace = list.map((_, place) => permute(list.length, key, place));
  return Array.from({ length: Math.floor(list.length / B) }, (_, step) =>
    atPlace
      .slice(step * B, (step + 1) * B)
      .sort((a, b) => a - b)
      .map((j) => list[j].row),
  );
}

test('a round is the one that is specified, and the steps of a part are those of the whole that are of its users', () => {
  fc.assert(
    fc.property(shapes, fc.nat(100), fc.nat(100), ({ n, S, R, batchSize, seed }, epoch, any) => {
      const problem = problemOf(n, S, R, batchSize, seed);
      const { strata, train } = problem;
      const round = any % (R * S);
      const steps = specified(problem, epoch, round, S, R, batchSize, seed);
      assert.is(strata.rounds.steps[round], steps.length);
      const { order, segments } = strata.rounds.round(epoch, round);
      assert.equal(
        [...order].map((k) => strata.rows![k]),
        steps.flat(),
      );
      const nParts = [2, 3].find((divisor) => S % divisor === 0)!;
      const perPart = S / nParts;
      for (let part = 0; part < nParts; part++) {
        const mine = strata.rounds.of(part * perPart, perPart).round(epoch, round);
        const ratings = strata.ratings(train, part * perPart, perPart).ratings;
        for (let s = 0; s < steps.length; s++) {
          for (let u = 0; u < perPart; u++) {
            const own = mine.order.slice(mine.segments[s * perPart + u], mine.segments[s * perPart + u + 1]);
            const at = s * S + part * perPart + u;
            assert.equal(
              Array.from(own, (k) => ratings[k]),
              Array.from(order.slice(segments[at], segments[at + 1]), (k) => strata.rows![k]),
            );
          }
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('an epoch takes each rating at most once, and leaves less than a batch of each round out', () => {
  fc.assert(
    fc.property(shapes, fc.nat(100), ({ n, S, R, batchSize, seed }, epoch) => {
      const { strata } = problemOf(n, S, R, batchSize, seed);
      const taken = strata.rounds.steps.flatMap((_, round) => [...strata.rounds.round(epoch, round).order]);
      assert.is(new Set(taken).size, taken.length);
      assert.is(taken.length, batchSize * strata.rounds.steps.reduce((a, b) => a + b));
      assert.ok(n - taken.length < batchSize * strata.rounds.steps.length);
    }),
    { numRuns: 30 },
  );
});

test('in a round no two user blocks meet in an item, and epochs differ', () => {
  const { train, strata } = problemOf(4000, 4, 2, 4);
  const { order, segments } = strata.rounds.round(0, 5);
  const blockOf = new Map<number, number>();
  for (let at = 0; at + 1 < segments.length; at++) {
    for (const k of order.subarray(segments[at], segments[at + 1])) {
      const row = strata.rows![k];
      const u = strata.users.block[train.users[row]];
      assert.is(u, at % 4);
      assert.is(blockOf.get(train.items[row]) ?? u, u);
      blockOf.set(train.items[row], u);
    }
  }
  assert.not.equal(strata.rounds.round(1, 5).order, order);
});

test('strata that leave out too much are refused, with the numbers', async () => {
  await assertRefused(
    () => problemOf(4000, 8, 2, 200),
    /^With 8 strata and 2 passes a round has some 250 ratings, and batches of 200 would leave 20 % of all out: give a smaller/,
  );
});

test('the numbers of strata and passes are checked', async () => {
  checkStrata(1, 1);
  checkStrata(256, 256);
  for (const [strata, passes, name] of [
    [0, 1, 'strata'],
    [257, 1, 'strata'],
    [2.5, 1, 'strata'],
    [8, 0, 'passes'],
  ] as const) {
    await assertRefused(() => checkStrata(strata, passes), new RegExp(`^${name} must be a whole number from 1 to 256`));
  }
});

test.run();
