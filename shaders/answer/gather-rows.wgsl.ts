// Rows of a table, copied to where they are wanted together.
//   maths     out[place] = table[row], all of a row, for the copies [first, first + nRows)
//   mapping   one invocation per vec4; neighbours copy neighbouring ones
//   races     none: no two copies have the same place
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { RowCopy } from '../ops/structs.js';

export const gatherRows = defineKernel({
  name: 'gatherRows',
  workgroupSize: 64,
  uniforms: { rowVecs: 'u32' },
  immediates: { first: 'u32', nRows: 'u32' },
  buffers: { copies: read(RowCopy), table: 'read array<vec4f>', out: 'read_write array<vec4f>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= immediates.nRows * uniforms.rowVecs) { return; }
  let copy = copies[immediates.first + i / uniforms.rowVecs];
  let vec = i % uniforms.rowVecs;
  out[copy.place * uniforms.rowVecs + vec] = table[copy.row * uniforms.rowVecs + vec];
}
`,
});
