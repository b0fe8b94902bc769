import { wgsl } from '../../../src/gpu/wgsl.js';

/**
 * The twin of src/base/random.ts, where the functions are explained: the same bits from `hash32`, `permutationKey` and
 * `permute`.
 */
export const random = wgsl`
const GOLDEN = 0x9e3779b9u;
fn fmix32(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  return h ^ (h >> 16u);
}
fn hash32(seed: u32, a: u32, b: u32, c: u32) -> u32 {
  var h = fmix32(seed + GOLDEN);
  h = fmix32((h ^ a) + GOLDEN);
  h = fmix32((h ^ b) + GOLDEN);
  return fmix32((h ^ c) + GOLDEN);
}
fn permutationKey(seed: u32, stream: u32, counter: u32) -> u32 { return hash32(seed, stream, counter, 0u); }
fn permute(n: u32, key: u32, i: u32) -> u32 {
  if (n <= 1u) { return 0u; }
  let bits = max(8u, 32u - countLeadingZeros(n - 1u));
  let lowBits = bits >> 1u;
  let lowMask = (1u << lowBits) - 1u;
  let highMask = (1u << (bits - lowBits)) - 1u;
  var x = i;
  loop {
    var high = x >> lowBits;
    var low = x & lowMask;
    var roundKey = key;
    for (var round = 0u; round < 6u; round += 2u) {
      roundKey += GOLDEN;
      high ^= fmix32(roundKey ^ low) & highMask;
      roundKey += GOLDEN;
      low ^= fmix32(roundKey ^ high) & lowMask;
    }
    x = (high << lowBits) | low;
    if (x < n) { break; }
  }
  return x;
}
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
