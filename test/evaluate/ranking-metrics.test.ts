import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import {
  averagePrecisionAtK,
  catalogueCoverage,
  hitRateAtK,
  meanOverUsers,
  ndcgAtK,
  ndcgExponentialAtK,
  precisionAtK,
  recallAtK,
  reciprocalRankAtK,
  type RankingMetric,
} from '../../src/evaluate/ranking-metrics.js';

const near = (actual: number, expected: number, what = 'value') =>
  assert.ok(Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `${what}: ${actual} is not ${expected}`);

const rangeError = (message: RegExp) => (e: Error) => e instanceof RangeError && message.test(e.message);

const all: Record<string, RankingMetric> = {
  precisionAtK,
  recallAtK,
  hitRateAtK,
  reciprocalRankAtK,
  averagePrecisionAtK,
  ndcgAtK,
  ndcgExponentialAtK,
};

test('hits at ranks 2 and 4 of 5, with 3 relevant, by hand', () => {
  const ranked = [10, 11, 12, 13, 14];
  const relevant = new Set([11, 13, 99]);
  near(precisionAtK(ranked, relevant, 5), 2 / 5, 'precision');
  near(recallAtK(ranked, relevant, 5), 2 / 3, 'recall');
  near(hitRateAtK(ranked, relevant, 5), 1, 'hit rate');
  near(reciprocalRankAtK(ranked, relevant, 5), 1 / 2, 'reciprocal rank');
  near(averagePrecisionAtK(ranked, relevant, 5), (1 / 2 + 2 / 4) / 3, 'average precision');
  const ideal = 1 + 1 / Math.log2(3) + 1 / 2;
  near(ndcgAtK(ranked, relevant, 5), (1 / Math.log2(3) + 1 / Math.log2(5)) / ideal, 'ndcg');
});

test('only the first k count', () => {
  const ranked = [10, 11, 12, 13, 14];
  const relevant = new Set([13]);
  for (const [name, metric] of Object.entries(all)) {
    assert.is(metric(ranked, relevant, 3), 0, name);
    assert.ok(metric(ranked, relevant, 4) > 0, name);
  }
});

test('average precision and NDCG divide by what k can hold: 1 for a perfect list though more is relevant', () => {
  const relevant = new Set([1, 2, 3, 4, 5]);
  for (const metric of [averagePrecisionAtK, ndcgAtK, precisionAtK]) near(metric([3, 1], relevant, 2), 1);
  near(recallAtK([3, 1], relevant, 2), 2 / 5);
});

test('a list shorter than k counts as filled up with irrelevant items', () => {
  const relevant = new Set([7, 8]);
  for (const [name, metric] of Object.entries(all)) {
    near(metric([7], relevant, 3), metric([7, 100, 101], relevant, 3), name);
    assert.is(metric([], relevant, 3), 0, name);
  }
  near(precisionAtK([7], relevant, 4), 1 / 4);
});

test('graded NDCG by hand: grades 1, 0, 3 where 3, 2, 1 was possible', () => {
  const grades = new Map([
    [1, 1],
    [2, 2],
    [3, 3],
    [9, 0],
  ]);
  const [d2, d3] = [Math.log2(3), 2];
  near(ndcgAtK([1, 9, 3], grades, 3), (1 + 3 / d3) / (3 + 2 / d2 + 1 / d3), 'linear');
  near(ndcgExponentialAtK([1, 9, 3], grades, 3), (1 + 7 / d3) / (7 + 3 / d2 + 1 / d3), 'exponential');
});

test('grade 0 is not relevant, and other metrics take any positive grade as relevant', () => {
  const grades = new Map([
    [1, 0],
    [2, 5],
    [3, 0.5],
  ]);
  near(precisionAtK([1, 2], grades, 2), 1 / 2);
  near(recallAtK([1, 2], grades, 2), 1 / 2);
  near(reciprocalRankAtK([1, 2], grades, 2), 1 / 2);
  near(averagePrecisionAtK([1, 2], grades, 2), 1 / 4);
});

test('ranking metrics refuse what has no value', () => {
  for (const [name, metric] of Object.entries(all)) {
    assert.throws(() => metric([1], new Set(), 1), rangeError(/No item is relevant/), name);
    assert.throws(() => metric([1], new Map([[1, 0]]), 1), rangeError(/No item is relevant/), name);
    assert.throws(() => metric([1], new Set([1]), 0), rangeError(/^k must/), name);
    assert.throws(() => metric([1], new Set([1]), 1.5), rangeError(/^k must/), name);
    assert.throws(() => metric([4, 4], new Set([1]), 2), rangeError(/twice/), name);
    assert.throws(() => metric([1], new Map([[1, -2]]), 1), rangeError(/item 1 .* not -2/), name);
    assert.throws(() => metric([1], new Map([[1, NaN]]), 1), rangeError(/item 1 .* not NaN/), name);
  }
});

const items = (maxLength: number) => fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength });
const relevantSet = items(15).map((list) => new Set(list));
const relevantGrades = items(15).chain((list) =>
  fc
    .array(fc.integer({ min: 1, max: 5 }), { minLength: list.length, maxLength: list.length })
    .map((grades) => new Map(list.map((item, i) => [item, grades[i]] as const))),
);
const cutOff = fc.integer({ min: 1, max: 25 });

test('every metric lies in [0, 1]', () => {
  fc.assert(
    fc.property(items(20), fc.oneof(relevantSet, relevantGrades), cutOff, (ranked, relevant, k) => {
      for (const [name, metric] of Object.entries(all)) {
        const value = metric(ranked, relevant, k);
        assert.ok(value >= 0 && value <= 1 + 1e-12, `${name} ${value}`);
      }
    }),
  );
});

test('the best order scores 1', () => {
  fc.assert(
    fc.property(relevantGrades, (relevant) => {
      const best = [...relevant.keys()].sort((a, b) => relevant.get(b)! - relevant.get(a)!);
      for (const [name, metric] of Object.entries(all)) near(metric(best, relevant, best.length), 1, name);
    }),
  );
});

test('precision, recall and hit rate ignore the order within k; the others never gain when a hit moves down', () => {
  fc.assert(
    fc.property(items(20), relevantSet, fc.nat(), (ranked, relevant, at) => {
      const k = ranked.length;
      for (const [name, metric] of Object.entries({ precisionAtK, recallAtK, hitRateAtK })) {
        assert.is(metric(ranked.slice().reverse(), relevant, k), metric(ranked, relevant, k), name);
      }
      const i = at % k;
      if (i + 1 === k || !relevant.has(ranked[i])) return;
      const moved = ranked.slice();
      [moved[i], moved[i + 1]] = [moved[i + 1], moved[i]];
      for (const [name, metric] of Object.entries({ reciprocalRankAtK, averagePrecisionAtK, ndcgAtK })) {
        assert.ok(metric(moved, relevant, k) <= metric(ranked, relevant, k) + 1e-12, name);
      }
    }),
  );
});

test('NDCG falls strictly when a better item moves below a worse one', () => {
  const grades = new Map([
    [1, 3],
    [2, 2],
    [3, 1],
  ]);
  for (const metric of [ndcgAtK, ndcgExponentialAtK]) {
    assert.ok(metric([2, 1, 3], grades, 3) < metric([1, 2, 3], grades, 3));
    assert.ok(metric([2, 3, 1], grades, 3) < metric([2, 1, 3], grades, 3));
  }
  assert.ok(ndcgExponentialAtK([2, 1, 3], grades, 3) < ndcgAtK([2, 1, 3], grades, 3));
});

test('for a set both gains agree, and so does a map of ones', () => {
  fc.assert(
    fc.property(items(20), relevantSet, cutOff, (ranked, relevant, k) => {
      const ones = new Map([...relevant].map((item) => [item, 1]));
      near(ndcgExponentialAtK(ranked, relevant, k), ndcgAtK(ranked, relevant, k));
      for (const [name, metric] of Object.entries(all)) near(metric(ranked, ones, k), metric(ranked, relevant, k), name);
    }),
  );
});

test('typed arrays rank like arrays', () => {
  for (const [name, metric] of Object.entries(all)) {
    assert.is(metric(Uint32Array.of(5, 6), new Set([6]), 2), metric([5, 6], new Set([6]), 2), name);
  }
});

test('the mean is over users with something relevant: MRR of ranks 1, 3 and none is (1 + 1/3 + 0)/3', () => {
  const users = [
    { ranked: [1, 2, 3], relevant: new Set([1]) },
    { ranked: [1, 2, 3], relevant: new Set<number>() },
    { ranked: [1, 2, 3], relevant: new Set([3]) },
    { ranked: [1, 2, 3], relevant: new Set([9]) },
    { ranked: [1, 2, 3], relevant: new Map([[1, 0]]) },
  ];
  near(meanOverUsers(reciprocalRankAtK, users, 3), (1 + 1 / 3) / 3);
  near(meanOverUsers(hitRateAtK, users, 2), 1 / 3);
  assert.throws(() => meanOverUsers(precisionAtK, users.slice(1, 2), 3), rangeError(/No user/));
  assert.throws(() => meanOverUsers(precisionAtK, [], 3), rangeError(/No user/));
});

test('coverage counts different items in the first k of all lists', () => {
  const lists = [[1, 2, 3], [2, 1, 4], Uint32Array.of(2, 5)];
  near(catalogueCoverage(lists, 10, 2), 3 / 10); // 1, 2, 5
  near(catalogueCoverage(lists, 10, 3), 5 / 10);
  near(catalogueCoverage(lists, 5, 3), 1);
  assert.is(catalogueCoverage([], 10, 3), 0);
});

test('coverage refuses a catalogue smaller than what was recommended from it, and bad sizes', () => {
  assert.throws(() => catalogueCoverage([[1, 2]], 1, 2), rangeError(/2 different items .* catalogue of 1/));
  assert.throws(() => catalogueCoverage([[1]], 0, 1), rangeError(/nCatalogue/));
  assert.throws(() => catalogueCoverage([[1]], 1, 0), rangeError(/^k must/));
});

test.run();
