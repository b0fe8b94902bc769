import { f32, wgsl } from '../../src/gpu/wgsl.js';

/**
 * Products of many factors in (0, 1], such as beta1 or 1 - lr wd over steps [from, to), by sums of logarithms: with
 * L[t] = sum over s < t of log(factor_s), made on the host in float64, the product is exp(L[to] - L[from]). L reaches the
 * device as two floats, `hiLo(L)`, so that a difference of near sums keeps its digits: over 1,024 steps a product is within
 * 1e-7 of the true one.
 *
 * The exp is our own: WGSL's may be off by many units in the last place, always to the same side near 0, and a row is
 * multiplied by such products thousands of times. With x = n ln 2 + r, |r| <= ln 2 / 2 (ln 2 in two parts, Cody and Waite
 * 1980),
 *
 *     exp(x) = 2^n (1 + (r + r^2 g(r)))      g a polynomial, of least error relative to exp(r)
 *
 * Nothing is rounded to a multiple of 2^-24 but the last sum, so results near 1 are off by half a unit at most, to either
 * side alike; all are within 1 unit.
 */
const LN2_HI = 0.693145751953125; // 17 bits, so n LN2_HI is exact
const LN2_LO = Math.fround(Math.LN2 - LN2_HI);
const LOG2E = Math.fround(Math.LOG2E);
const G = [0.49999994, 0.16666521, 0.04166839, 0.008368745, 0.001381454].map(Math.fround);
/** Below exp(-87.3) = 1.2e-38 float32 has no normal numbers. */
const LEAST = Math.fround(-87.3);

/**
 * `expNegative(x)`: exp of x <= 0 within 1 unit in the last place; 0 below x = -87.3, and 1 above 0.
 * `decayBetween(from, to)`: the product of the factors of steps [from, to), of which `from` and `to` are the `hiLo`.
 */
export const decayWgsl = wgsl`
fn expNegative(x: f32) -> f32 {
  let a = clamp(x, ${f32(LEAST)}, 0.0);
  let n = floor(a * ${f32(LOG2E)} + 0.5);
  let r = (a - n * ${f32(LN2_HI)}) - n * ${f32(LN2_LO)};
  let g = (((${f32(G[4])} * r + ${f32(G[3])}) * r + ${f32(G[2])}) * r + ${f32(G[1])}) * r + ${f32(G[0])};
  let scaled = bitcast<u32>(1.0 + (r + r * r * g)) + (bitcast<u32>(i32(n)) << 23u);
  return select(bitcast<f32>(scaled), 0.0, x < ${f32(LEAST)});
}
fn decayBetween(fromHiLo: vec2f, toHiLo: vec2f) -> f32 {
  let d = toHiLo - fromHiLo;
  return expNegative(d.x + d.y);
}
`;

const { fround } = Math;
const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The twin of `expNegative`, in float32 arithmetic. */
export function expNegative(x: number): number {
  if (x < LEAST) return 0;
  const a = Math.min(x, 0);
  const n = Math.floor(fround(fround(a * LOG2E) + 0.5));
  const r = fround(fround(a - fround(n * LN2_HI)) - fround(n * LN2_LO));
  const g = G.reduceRight((sum, each) => fround(fround(sum * r) + each));
  float[0] = 1 + fround(r + fround(fround(r * r) * g));
  bits[0] += n << 23;
  return float[0];
}

/** The twin of `decayBetween`. */
export const decayBetween = (from: ArrayLike<number>, to: ArrayLike<number>): number =>
  expNegative(fround(fround(to[0] - from[0]) + fround(to[1] - from[1])));

/** The logarithm of a factor in [0, 1]. A factor of 0 stands as 1e-30, which leaves nothing of what float32 holds beside it. */
export const logFactor = (factor: number): number => Math.log(Math.max(factor, 1e-30));

/** A sum of logarithms as two floats, the second what the first leaves. */
export function hiLo(sum: number): [hi: number, lo: number] {
  const hi = fround(sum);
  return [hi, fround(sum - hi)];
}
