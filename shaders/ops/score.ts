import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * Raw score of two rows of `param: array<vec4f>`, given the index of each row's first vec4. A row is `factorVecs` vec4s
 * of factors, padded with zeros, then one vec4 whose x is the bias (absent in models without biases).
 *   z = sum_f user[f] item[f] + user bias + item bias
 */
export const score = (bias: boolean) => wgsl`
fn score(user: u32, item: u32, factorVecs: u32) -> f32 {
  var z = 0.0;
  #if ${bias}
  z = param[user + factorVecs].x + param[item + factorVecs].x;
  #endif
  for (var f = 0u; f < factorVecs; f++) { z += dot(param[user + f], param[item + f]); }
  return z;
}
`;
