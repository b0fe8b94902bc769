import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * `ifFinite(z, value)`: the value, bit for bit, but NaN where the raw score z is not finite. A range may hide that: the
 * sigmoid's clamp makes an ordinary prediction of any z. By bits, because WGSL may assume that NaN and infinity never occur,
 * and a compiler may then drop a comparison that looks for them.
 */
export const ifFiniteWgsl = wgsl`
fn ifFinite(z: f32, value: f32) -> f32 {
  let isFinite = (bitcast<u32>(z) & 0x7f800000u) != 0x7f800000u;
  return bitcast<f32>(bitcast<u32>(value) | select(0x7fc00000u, 0u, isFinite));
}
`;

/** The twin of `ifFinite`. */
export const ifFinite = (z: number, value: number): number => (Number.isFinite(z) ? value : NaN);
