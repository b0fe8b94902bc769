import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import {
  fillInitial,
  fillPermutation,
  hash32,
  INITIAL_VALUE_UNIT,
  initialValue,
  initialValueKnots,
  permutationKey,
  permute,
  unpermute,
  STREAM,
} from '../../src/base/random.js';

const u32 = fc.integer({ min: 0, max: 0xffffffff });

/** Sum of (observed - expected)^2 / expected, in standard deviations from its mean. */
function chiSquareScore(counts: ArrayLike<number>, expected: number): number {
  let sum = 0;
  for (let k = 0; k < counts.length; k++) sum += (counts[k] - expected) ** 2 / expected;
  const freedom = counts.length - 1;
  return (sum - freedom) / Math.sqrt(2 * freedom);
}

function permutation(n: number, key: number): Uint32Array {
  const out = new Uint32Array(n);
  fillPermutation(out, key);
  return out;
}

function isBijection(out: Uint32Array): boolean {
  return out
    .slice()
    .sort()
    .every((value, index) => value === index);
}

test('the bits are pinned: hash, permutation and starting values never drift', () => {
  assert.equal([hash32(0, 0, 0, 0), hash32(42, 1, 2, 3), hash32(0xffffffff, 7, 0, 0xffffffff)], [2688605155, 765154444, 1086783934]);
  const key = permutationKey(42, STREAM.ORDER, 3);
  assert.is(key, 3692294470);
  assert.equal([...permutation(10, key)], [4, 8, 6, 7, 3, 1, 0, 2, 5, 9]);
  assert.is(permute(2 ** 31, key, 2 ** 31 - 1), 261850368);
  const cells = [0, 1, 2, 3].map((table) => initialValue(42, table, 5, 7) / INITIAL_VALUE_UNIT);
  assert.equal(cells, [-3263871, 8480675, -4780282, -4119239]);
  const knots = initialValueKnots();
  assert.equal(
    [0, 1, 512, 1023, 1024].map((k) => knots[k]),
    [0, 5786, 3316767, 10689417, 10737418],
  );
  let digest = 0;
  for (const knot of knots) digest = hash32(digest, knot, 0, 0);
  assert.is(digest, 553406899);
});

test('hash32 is a u32, and each argument counts', () => {
  fc.assert(
    fc.property(u32, u32, u32, u32, (seed, a, b, c) => {
      const h = hash32(seed, a, b, c);
      assert.is(h, h >>> 0);
      assert.is.not(hash32(seed ^ 1, a, b, c), h);
      assert.is.not(hash32(seed, a ^ 1, b, c), h);
      assert.is.not(hash32(seed, a, b ^ 1, c), h);
      assert.is.not(hash32(seed, a, b, c ^ 1), h);
    }),
    { seed: 1 },
  );
});

test('hash32: flipping any one input bit flips each output bit half of the time', () => {
  const trials = 400;
  for (let argument = 0; argument < 4; argument++) {
    for (let bit = 0; bit < 32; bit++) {
      const flips = new Float64Array(32);
      for (let k = 0; k < trials; k++) {
        const words: [number, number, number, number] = [k, 0, k * 3, 1];
        const before = hash32(...words);
        words[argument] ^= 1 << bit;
        const difference = before ^ hash32(...words);
        for (let out = 0; out < 32; out++) flips[out] += (difference >>> out) & 1;
      }
      // 5.5 standard deviations over 4096 counts
      for (const count of flips) assert.ok(Math.abs(count - trials / 2) < 5.5 * Math.sqrt(trials / 4), `${argument} ${bit} ${count}`);
    }
  }
});

test('hash32 of consecutive counters is spread evenly over its range', () => {
  const counts = new Float64Array(256);
  for (let k = 0; k < 65536; k++) counts[hash32(9, k, 0, 0) >>> 24]++;
  assert.ok(Math.abs(chiSquareScore(counts, 256)) < 4);
});

test('permute is a bijection for every size and key', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), u32, (n, key) => isBijection(permutation(n, key))),
    { seed: 2, numRuns: 300 },
  );
  for (const n of [1, 2, 3, 4, 15, 16, 17, 255, 256, 257, 90_000, 65_536]) assert.ok(isBijection(permutation(n, 77)), String(n));
});

test('unpermute is the inverse of permute', () => {
  for (let n = 1; n <= 300; n++) {
    for (let i = 0; i < n; i++) assert.is(unpermute(n, 77, permute(n, 77, i)), i);
  }
  for (const n of [10_007, 2 ** 20, 2 ** 31]) {
    for (let k = 0; k < 1000; k++) {
      const i = hash32(k, 1, 2, 3) % n;
      const key = hash32(k, 4, 5, 6);
      assert.is(unpermute(n, key, permute(n, key, i)), i);
    }
  }
});

test('permute stays inside huge ranges, and gives distinct places', () => {
  for (const n of [2 ** 31, 2 ** 31 - 1, 2 ** 30 + 1]) {
    const places = new Set<number>();
    for (let k = 0; k < 5000; k++) {
      const place = permute(n, 123, n - 1 - k * 7);
      assert.ok(place >= 0 && place < n);
      places.add(place);
    }
    assert.is(places.size, 5000);
  }
});

test('small permutations: every order of 2, 3, 4 and 5 rows is equally likely', () => {
  for (const [n, orders] of [
    [2, 2],
    [3, 6],
    [4, 24],
    [5, 120],
  ] as const) {
    const counts = new Map<string, number>();
    const trials = orders * 1000;
    for (let seed = 0; seed < trials; seed++) {
      const order = permutation(n, permutationKey(seed, STREAM.SPLIT)).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.is(counts.size, orders);
    assert.ok(Math.abs(chiSquareScore([...counts.values()], 1000)) < 4, `n ${n}`);
  }
});

test('each row lands in each place equally often, and neighbours part', () => {
  for (const n of [7, 16, 37, 64, 100]) {
    const places = new Float64Array(n * n);
    const gaps = new Float64Array(n);
    const trials = 100 * n;
    for (let epoch = 0; epoch < trials; epoch++) {
      const out = permutation(n, permutationKey(42, STREAM.ORDER, epoch));
      for (let i = 0; i < n; i++) places[i * n + out[i]]++;
      for (let i = 1; i < n; i++) gaps[(out[i] - out[i - 1] + n) % n]++;
    }
    // n^2 counts with (n-1)^2 degrees of freedom
    let sum = 0;
    for (const count of places) sum += (count - 100) ** 2 / 100;
    const freedom = (n - 1) ** 2;
    assert.ok(Math.abs(sum - freedom) / Math.sqrt(2 * freedom) < 4.5, `places, n ${n}`);
    assert.is(gaps[0], 0);
    assert.ok(Math.abs(chiSquareScore(gaps.subarray(1), trials)) < 5, `gaps, n ${n}`);
  }
});

test('a large permutation has no drift: quarter of origin and quarter of place are independent', () => {
  const n = 90_000;
  const counts = new Float64Array(64 * 64);
  const out = permutation(n, permutationKey(42, STREAM.ORDER, 0));
  let fixed = 0;
  for (let i = 0; i < n; i++) {
    counts[Math.floor((i * 64) / n) * 64 + Math.floor((out[i] * 64) / n)]++;
    if (out[i] === i) fixed++;
  }
  assert.ok(chiSquareScore(counts, n / 4096) < 4);
  assert.ok(fixed < 8); // 1 expected
});

test('epochs, streams and seeds give different orders', () => {
  const orders = [
    permutation(50, permutationKey(42, STREAM.ORDER, 0)),
    permutation(50, permutationKey(42, STREAM.ORDER, 1)),
    permutation(50, permutationKey(42, STREAM.SPLIT)),
    permutation(50, permutationKey(43, STREAM.ORDER, 0)),
  ].map((order) => order.join());
  assert.is(new Set(orders).size, 4);
});

test('a row passes through the network twice on average at most, from 128 rows on', () => {
  const { imul } = Math;
  let multiplications = 0;
  Math.imul = (a, b) => {
    multiplications++;
    return imul(a, b);
  };
  try {
    for (const n of [128, 129, 1000, 1025, 90_000]) {
      multiplications = 0;
      permutation(n, permutationKey(1, STREAM.ORDER, n));
      const perPass = 6 * 2; // rounds, and multiplications of a hash
      assert.ok(multiplications < 2.1 * perPass * n, `${n} rows: ${multiplications / perPass / n} passes`);
    }
  } finally {
    Math.imul = imul;
  }
});

test('a seed that is no whole number from 0 to 2^32 - 1 is refused', () => {
  for (const seed of [1.5, NaN, -1, 2 ** 32, '1' as unknown as number]) {
    assert.throws(() => permutationKey(seed, STREAM.ORDER), /seed must be a whole number from 0 to 4294967295/);
    assert.throws(() => fillInitial(new Float32Array(2), seed, 0, 1, 2), /seed must be a whole number from 0 to 4294967295/);
  }
  permutationKey(0xffffffff, STREAM.ORDER);
});

/** Density-free check: P(|x| fmod 2 <= y) of a standard normal, by the midpoint rule. */
function trueDistribution(): Float64Array {
  const steps = 20_000;
  const out = new Float64Array(steps + 1);
  for (let k = 0; k < steps; k++) {
    const y = ((k + 0.5) * 2) / steps;
    let density = 0;
    for (let wrap = 0; wrap < 10; wrap += 2) density += Math.exp(-((y + wrap) ** 2) / 2);
    out[k + 1] = out[k] + density;
  }
  return out.map((each) => each / out[steps]);
}

test('starting values follow the wrapped normal of fastai', () => {
  const n = 400_000;
  const values = new Float32Array(n);
  fillInitial(values, 42, 0, n / 40, 40);
  let sum = 0;
  let squares = 0;
  let negative = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
    if (value < 0) negative++;
    assert.ok(value > -0.02 && value < 0.02);
  }
  assert.ok(Math.abs(sum / n) < 4 * (0.0087 / Math.sqrt(n)));
  assert.ok(Math.abs(Math.sqrt(squares / n) - 0.0087) < 5e-5, String(Math.sqrt(squares / n)));
  assert.ok(Math.abs(negative / n - 0.5) < 0.004);

  const truth = trueDistribution();
  const magnitudes = Float64Array.from(values, (value) => Math.abs(value) * 100).sort();
  let distance = 0;
  for (let k = 0; k < n; k++) {
    const at = magnitudes[k] * (20_000 / 2);
    const below = Math.floor(at);
    const expected = truth[below] + (truth[Math.min(below + 1, 20_000)] - truth[below]) * (at - below);
    distance = Math.max(distance, Math.abs((k + 0.5) / n - expected));
  }
  assert.ok(distance < 1.63 / Math.sqrt(n), String(distance)); // Kolmogorov-Smirnov, 1 per cent
});

test('the knots are the true quantiles', () => {
  const truth = trueDistribution();
  initialValueKnots().forEach((knot, k) => {
    const at = knot * INITIAL_VALUE_UNIT * 100 * 10_000;
    const below = Math.min(Math.floor(at), 19_999);
    const probability = truth[below] + (truth[below + 1] - truth[below]) * (at - below);
    assert.ok(Math.abs(probability - k / 1024) < 2e-7, `knot ${k}`);
  });
});

test('a starting value is a float32 that depends on its cell alone', () => {
  const table = new Float32Array(30 * 8);
  fillInitial(table, 7, 1, 30, 8);
  const wider = new Float32Array(60 * 8);
  fillInitial(wider, 7, 1, 60, 8);
  for (let row = 0; row < 30; row++) {
    for (let column = 0; column < 8; column++) {
      const value = initialValue(7, 1, row, column);
      assert.is(Math.fround(value), value);
      assert.is(table[row * 8 + column], value);
      assert.is(wider[row * 8 + column], value);
    }
  }
  const first = (seed: number, which: number): number[] => Array.from({ length: 4 }, (_, row) => initialValue(seed, which, row, 0));
  assert.not.equal(first(7, 0), first(7, 1));
  assert.not.equal(first(7, 0), first(8, 0));
  assert.throws(() => fillInitial(new Float32Array(5), 1, 0, 2, 3), /out has 5 values, not nRows x nColumns = 2 x 3/);
});

test('a part of a permutation is that part of the whole', () => {
  const whole = new Uint32Array(1000);
  fillPermutation(whole, 7);
  const part = new Uint32Array(30);
  fillPermutation(part, 7, 1000, 450);
  assert.equal(part, whole.slice(450, 480));
});

test.run();
