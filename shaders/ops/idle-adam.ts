import { wgsl } from '../../src/gpu/wgsl.js';
import { rateStruct } from './adam.js';

/**
 * Constants of a step for lazy rows: its `Rate`, and the poles of Q_t (src/idle-adam.ts) for factors and for biases,
 * at most 4, the unused ones of weight 0. 20 floats in a buffer.
 */
export const stepStruct = wgsl`
${rateStruct}
struct Poles { weights: vec4f, shifts: vec4f }
struct Step { rate: Rate, factors: Poles, bias: Poles }
`;
export const STEP_SIZE = 20;

/**
 * Q_t(s) = sum_i w_i / (s + eps x_i) on four parameters at once, over one common denominator: three products are far
 * cheaper than two more divisions, and all terms are positive, so nothing cancels.
 */
export const idleAdam = wgsl`
fn idleQ(poles: Poles, s: vec4f) -> vec4f {
  let a = s + poles.shifts.x;
  let b = s + poles.shifts.y;
  let c = s + poles.shifts.z;
  let ab = a * b;
  return (c * (poles.weights.x * b + poles.weights.y * a) + poles.weights.z * ab) / (ab * c);
}
`;
