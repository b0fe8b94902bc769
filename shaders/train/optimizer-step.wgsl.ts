// Optimiser step on every parameter of every row: rows without a gradient decay and move on with their momentum too.
//   maths     see ops/adam
//   mapping   one invocation per parameter
//   cost      32 bytes per parameter: param, m, v read and written, grad read and set back to zero
//   races     none: invocation i owns element i of all four buffers
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { type OptimizerOp, rateStruct } from '../ops/adam.js';

export const optimizerStep = (optimizer: OptimizerOp) =>
  defineKernel({
    name: `optimizerStep[${optimizer.name}]`,
    workgroupSize: 64,
    uniforms: { nParams: 'u32', rowStride: 'u32', biasColumn: 'u32', wd: 'f32', wdBias: 'f32', beta2: 'f32', eps: 'f32' },
    immediates: { step: 'u32' },
    buffers: {
      rates: 'read array<Rate>',
      grad: 'read_write array<f32>',
      param: 'read_write array<f32>',
      m: 'read_write array<f32>',
      v: 'read_write array<f32>',
    },
    code: (declarations) => wgsl`${declarations}
${rateStruct}${optimizer.wgsl('f32')}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= uniforms.nParams) { return; }
  let wd = select(uniforms.wd, uniforms.wdBias, i % uniforms.rowStride >= uniforms.biasColumn);
  var pi = param[i];
  var mi = m[i];
  var vi = v[i];
  update(&pi, &mi, &vi, grad[i], rates[immediates.step], wd, uniforms.beta2, uniforms.eps);
  param[i] = pi;
  m[i] = mi;
  v[i] = vi;
  grad[i] = 0.0;
}
`,
  });
