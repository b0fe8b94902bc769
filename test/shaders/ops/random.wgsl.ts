import { permuteWgsl } from '../../../shaders/ops/random.js';
import { wgsl } from '../../../src/gpu/wgsl.js';

/** The rest of the twin of src/base/random.ts: the same bits from `hash32`, `permutationKey` and `permute`. */
export const random = wgsl`${permuteWgsl}
fn hash32(seed: u32, a: u32, b: u32, c: u32) -> u32 {
  var h = fmix32(seed + GOLDEN);
  h = fmix32((h ^ a) + GOLDEN);
  h = fmix32((h ^ b) + GOLDEN);
  return fmix32((h ^ c) + GOLDEN);
}
fn permutationKey(seed: u32, stream: u32, counter: u32) -> u32 { return hash32(seed, stream, counter, 0u); }
`;

/** The twin of `initialValue`. The kernel has a buffer `knots: array<u32>` with the words of `initialValueKnots()`. */
export const initialValue = wgsl`
fn initialValue(seed: u32, table: u32, row: u32, column: u32) -> f32 {
  let bits = hash32(hash32(seed, 3u, table, 0u), row, column, 0u);
  let interval = (bits >> 16u) & 1023u;
  let low = knots[interval];
  let magnitude = i32(low + (((knots[interval + 1u] - low) * (bits & 0xffffu)) >> 16u));
  return f32(select(magnitude, -magnitude, bits >> 31u == 1u)) * 0x1p-29f;
}
`;
