import { wgsl } from '../../src/gpu/wgsl.js';

/** `permute(n, key, i)` of src/base/random.ts, where it is explained, with the same bits. */
export const permuteWgsl = wgsl`
const GOLDEN = 0x9e3779b9u;
fn fmix32(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  return h ^ (h >> 16u);
}
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
