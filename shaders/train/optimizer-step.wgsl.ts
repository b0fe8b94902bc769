// Optimiser step on every parameter of every row: rows without a gradient decay and move on with their momentum too.
//   maths     see OptimizerOp
//   mapping   one invocation per four parameters
//   cost      32 bytes per parameter with two numbers of state: param, m, v read and written, grad read and set to zero
//   races     none: invocation i owns element i of all buffers
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { type OptimizerOp, rateStruct, stateBuffers } from '../ops/optimizer.js';

export const optimizerStep = (optimizer: OptimizerOp) =>
  defineKernel({
    name: `optimizerStep[${optimizer.name}]`,
    workgroupSize: 64,
    uniforms: { nVecs: 'u32', rowVecs: 'u32', factorVecs: 'u32', wd: 'f32', wdBias: 'f32' },
    immediates: { step: 'u32' },
    buffers: {
      rates: read(rateStruct(optimizer)),
      grad: 'read_write array<vec4f>',
      param: 'read_write array<vec4f>',
      ...stateBuffers(optimizer),
    },
    ops: [optimizer],
    code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= uniforms.nVecs) { return; }
  let wd = select(uniforms.wd, uniforms.wdBias, i % uniforms.rowVecs == uniforms.factorVecs);
  var pi = param[i];
  var mi = vec4f();
  var vi = vec4f();
  #if ${optimizer.nState > 0}
  mi = m[i];
  #endif
  #if ${optimizer.nState > 1}
  vi = v[i];
  #endif
  update(&pi, &mi, &vi, grad[i], rates[immediates.step], wd);
  param[i] = pi;
  #if ${optimizer.nState > 0}
  m[i] = mi;
  #endif
  #if ${optimizer.nState > 1}
  v[i] = vi;
  #endif
  grad[i] = vec4f();
}
`,
  });
