import { wgsl } from '../../src/gpu/wgsl.js';
import { rateStruct } from './adam.js';

/**
 * What lazy rows need of a step: its `Rate`, the poles of Q_t (src/idle-adam.ts) for factors and for biases, the unused
 * ones of weight 0, and where its touches begin. 20 words in a buffer.
 */
export const stepStruct = wgsl`
${rateStruct}
struct Poles { weights: vec3f, firstTouch: u32, shifts: vec3f, pad: u32 }
struct Step { rate: Rate, factors: Poles, bias: Poles }
`;
export const STEP_SIZE = 20;
/** Words of a Step where the weights and shifts of poles begin, for factors and for biases, and of its first touch. */
export const STEP_POLES = [4, 12] as const;
export const STEP_FIRST_TOUCH = 7;

/**
 * Q_t(s) = sum_i w_i / (s + eps x_i) of four columns, over one common denominator: a few products are far cheaper than two more
 * divisions, and all terms are positive, so nothing cancels.
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
