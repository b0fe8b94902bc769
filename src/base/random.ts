/**
 * Random numbers without state: every draw is a pure function of a seed and of the place where it is used, so draws can
 * be made in any order, in parallel, and again. Only 32-bit integer operations decide the bits (`Math.imul`, xor, shift,
 * add), each of which WGSL's u32 has too: the same seed gives the same bits in every engine and on every device.
 *
 * Not for cryptography.
 */
import { checkSeed } from './check.js';

/** What a draw is for. The streams of one seed are independent of each other. */
export const STREAM = { SPLIT: 1, ORDER: 2, TABLE: 3, PLANTED: 4 } as const;

/** The odd integer nearest to 2^32 / golden ratio: keeps an all-zero input from staying zero. */
const GOLDEN = 0x9e3779b9;

/** MurmurHash3's 32-bit finaliser (Appleby 2011, public domain): a bijection in which every input bit moves every output bit. */
export function fmix32(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * A random u32 that depends on all four words: each is absorbed by `h = fmix32((h ^ word) + GOLDEN)`, from h = 0.
 * The words are taken modulo 2^32.
 */
export function hash32(seed: number, a: number, b: number, c: number): number {
  let h = fmix32((seed + GOLDEN) | 0);
  h = fmix32(((h ^ a) + GOLDEN) | 0);
  h = fmix32(((h ^ b) + GOLDEN) | 0);
  return fmix32(((h ^ c) + GOLDEN) | 0) >>> 0;
}

/**
 * The key of one permutation: `permutationKey(seed, STREAM.ORDER, e)` orders the ratings of epoch e,
 * `permutationKey(seed, STREAM.SPLIT)` chooses the validation rows.
 *
 * @param seed whole number in [0, 2^32)
 * @param stream what the permutation is for, of `STREAM`
 * @param counter tells the permutations of one stream apart, such as the epoch. Default 0
 * @throws RangeError for a seed out of range
 */
export function permutationKey(seed: number, stream: number, counter = 0): number {
  checkSeed(seed);
  return hash32(seed, stream, counter, 0);
}

/** Rounds of the Feistel network, each of which changes one half. */
const ROUNDS = 6;
/**
 * A half of two bits knows too few functions: with 2^4 places some orders of five rows came up 10 per cent too often.
 * From 2^8 on nothing shows, and the longer walk of a handful of rows costs nothing.
 */
const MIN_BITS = 8;

/**
 * Where row `i` of `n` goes: for a fixed key a bijection of [0, n), one of about 2^32 orders, computed without storing
 * the permutation. A Feistel network (Luby and Rackoff 1988) permutes [0, 2^bits), the smallest such range that holds n;
 * results outside [0, n) are put through it again until one lies inside (cycle walking, Black and Rogaway 2002): two
 * passes on average at most, from n = 128 on.
 *
 * @param n number of rows, 1 to 2^31
 * @param key of `permutationKey`
 * @param i row, 0 <= i < n (not checked: outside, the walk need not end inside)
 */
export function permute(n: number, key: number, i: number): number {
  if (n <= 1) return 0;
  const range = halves(n);
  let x = i;
  do x = scramble(x, key, range);
  while (x >= n);
  return x;
}

/** The network: a bijection of [0, 2^bits). */
function scramble(x: number, key: number, { lowBits, lowMask, highMask }: Halves): number {
  let high = x >>> lowBits;
  let low = x & lowMask;
  let roundKey = key | 0;
  for (let round = 0; round < ROUNDS; round += 2) {
    roundKey = (roundKey + GOLDEN) | 0;
    high ^= fmix32(roundKey ^ low) & highMask;
    roundKey = (roundKey + GOLDEN) | 0;
    low ^= fmix32(roundKey ^ high) & lowMask;
  }
  return (high << lowBits) | low;
}

/**
 * The inverse of `permute`: which row of `n` goes to `place`. The same network, its rounds and the walk backwards.
 *
 * @param place 0 <= place < n (not checked)
 */
export function unpermute(n: number, key: number, place: number): number {
  if (n <= 1) return 0;
  const { lowBits, lowMask, highMask } = halves(n);
  const lastKey = (key + Math.imul(ROUNDS, GOLDEN)) | 0;
  let x = place;
  do {
    let high = x >>> lowBits;
    let low = x & lowMask;
    let roundKey = lastKey;
    for (let round = 0; round < ROUNDS; round += 2) {
      low ^= fmix32(roundKey ^ high) & lowMask;
      roundKey = (roundKey - GOLDEN) | 0;
      high ^= fmix32(roundKey ^ low) & highMask;
      roundKey = (roundKey - GOLDEN) | 0;
    }
    x = ((high << lowBits) | low) >>> 0;
  } while (x >= n);
  return x;
}

interface Halves {
  lowBits: number;
  lowMask: number;
  highMask: number;
}

/** The halves of the smallest range of 2^bits numbers that holds n. */
function halves(n: number): Halves {
  const bits = Math.max(MIN_BITS, 32 - Math.clz32(n - 1));
  const lowBits = bits >>> 1;
  return { lowBits, lowMask: (1 << lowBits) - 1, highMask: (1 << (bits - lowBits)) - 1 };
}

/** Rows that `fillPermutation` walks together. */
const WALKED = 1024;

/**
 * Writes the permutation of [0, n), from place `first` on: `out[i] = permute(n, key, first + i)`. By default all of it. See
 * `permutationKey` for keys.
 *
 * Many rows walk together, step by step, those that have arrived leaving the list: a processor works on several rows at
 * once where no row's next step has to be guessed.
 */
export function fillPermutation(out: Uint32Array, key: number, n: number = out.length, first = 0): void {
  if (n <= 1) return void out.fill(0);
  const range = halves(n);
  const walking = new Uint32Array(WALKED);
  for (let begin = 0; begin < out.length; begin += WALKED) {
    let left = Math.min(WALKED, out.length - begin);
    for (let i = 0; i < left; i++) {
      walking[i] = begin + i;
      out[begin + i] = first + begin + i;
    }
    while (left > 0) {
      let stay = 0;
      for (let j = 0; j < left; j++) {
        const i = walking[j];
        const x = (out[i] = scramble(out[i], key, range));
        walking[stay] = i;
        stay += (n - 1 - x) >>> 31; // 1 if x >= n
      }
      left = stay;
    }
  }
}

/** Intervals of the table of initial values: 10 bits of the draw choose one, 16 bits the place in it, one the sign. */
const INTERVALS = 1024;
/** Initial values are multiples of 2^-29; the largest, 0.02, is an integer of 24 bits in that unit, so f32 holds each. */
export const INITIAL_VALUE_UNIT = 2 ** -29;

/**
 * fastai's starting value of a parameter, for all four tables: a standard normal, C `fmod` 2 (the sign kept), times
 * 0.01. It lies in (-0.02, 0.02), with standard deviation 0.0087.
 *
 * Drawn by inverting the distribution function of the magnitude: linear interpolation, in integers, between the knots of
 * `initialValueKnots`.
 *
 * @param table 0 userFactors, 1 itemFactors, 2 userBias, 3 itemBias
 */
export function initialValue(seed: number, table: number, row: number, column: number): number {
  return drawInitialValue(initialValueKnots(), hash32(seed, STREAM.TABLE, table, 0), row, column);
}

/**
 * Fills a table with fastai's starting values: a standard normal, C `fmod` 2 (the sign kept), times 0.01.
 *
 * @param out [nRows, nColumns]; `out[row * nColumns + column]` depends on seed, table, row and column alone
 * @param seed whole number in [0, 2^32)
 * @param table 0 userFactors, 1 itemFactors, 2 userBias, 3 itemBias: each has values of its own
 * @param rows which rows of the table these are. Default: the first
 * @throws RangeError if `out` has another length or the seed is out of range
 */
export function fillInitial(out: Float32Array, seed: number, table: number, nRows: number, nColumns: number, rows?: Uint32Array): void {
  if (out.length !== nRows * nColumns) {
    throw new RangeError(`fillInitial: out has ${out.length} values, not nRows x nColumns = ${nRows} x ${nColumns}.`);
  }
  checkSeed(seed);
  const knots = initialValueKnots();
  const key = hash32(seed, STREAM.TABLE, table, 0);
  let k = 0;
  for (let row = 0; row < nRows; row++) {
    const r = rows ? rows[row] : row;
    for (let column = 0; column < nColumns; column++) out[k++] = drawInitialValue(knots, key, r, column);
  }
}

function drawInitialValue(knots: Uint32Array, key: number, row: number, column: number): number {
  const bits = hash32(key, row, column, 0);
  const interval = (bits >>> 16) & (INTERVALS - 1);
  const low = knots[interval];
  // The widest interval is 48,600 units, so the product stays below 2^32.
  const magnitude = low + (((knots[interval + 1] - low) * (bits & 0xffff)) >>> 16);
  return (bits >>> 31 === 1 ? (0 - magnitude) | 0 : magnitude) * INITIAL_VALUE_UNIT;
}

let knotsOnce: Uint32Array | undefined;

/**
 * The 1025 quantiles k / 1024 of the magnitude of an initial value, in units of 2^-29, rounded down.
 *
 * The magnitude |x| fmod 2 of a standard normal x has the distribution function G(y) = 2 sum_j (Phi(y + 2j) - Phi(2j)),
 * 0 <= y < 2. Each quantile is found by Newton's method in float64 with + - * / only, which IEEE 754 fixes to the bit.
 */
export function initialValueKnots(): Uint32Array {
  if (knotsOnce !== undefined) return knotsOnce;
  const starts = [0, 2, 4, 6].map((x) => ({ x, below: normalMass(x) })); // beyond 8 lies 1e-15 of the mass
  const G = (y: number): number => 2 * starts.reduce((sum, { x, below }) => sum + normalMass(x + y) - below, 0);
  const density = (y: number): number => 2 * starts.reduce((sum, { x }) => sum + normalDensity(x + y), 0);

  const knots = new Uint32Array(INTERVALS + 1);
  const total = G(2);
  let y = 0;
  for (let k = 1; k <= INTERVALS; k++) {
    const target = (total * k) / INTERVALS;
    for (let iteration = 0; iteration < 6; iteration++) y -= (G(y) - target) / density(y);
    knots[k] = Math.floor((y * 0.01) / INITIAL_VALUE_UNIT);
  }
  return (knotsOnce = knots);
}

function normalDensity(x: number): number {
  let term = 1;
  let exponential = 1; // e^(x^2 / 2) by its power series; all terms are positive, so nothing cancels
  for (let n = 1; term > exponential * 1e-17; n++) exponential += term *= (x * x) / (2 * n);
  return 0.3989422804014327 / exponential;
}

/** Phi(x) - 1/2 for x >= 0 = density(x) (x + x^3/3 + x^5/(3 5) + ...), Abramowitz and Stegun 26.2.11. */
function normalMass(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 3; term > sum * 1e-17; n += 2) sum += term *= (x * x) / n;
  return normalDensity(x) * sum;
}
