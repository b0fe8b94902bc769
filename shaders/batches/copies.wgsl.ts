// In which copy of the parameters each row is as each step of a window begins, and where each row enters the window.
//   maths     in:  bit s of a row: step s touches it.
//             out: bit s of a row: the copy that it is in as step s begins = number of its touches in steps >= s, mod 2
//             (each touch moves the row to the other copy, and it ends in copy 0). So step s touches a row exactly if its
//             bits s and s + 1 differ. A suffix sum mod 2 of a word takes five shifts; its lowest bit is carried downwards.
//             entries[row] = 2 (step of its first touch, or nSteps) + the copy of that touch
//   mapping   one invocation per row
//   cost      8 bytes and 12 operations per 32 steps of a row
//   races     none: an invocation reads and writes its own row only
//   needs     a last bit that is zero: 32 copyWords > nSteps
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';

export const copies = defineKernel({
  name: 'copies',
  workgroupSize: 64,
  uniforms: { nRows: 'u32', copyWords: 'u32' },
  immediates: { nSteps: 'u32' },
  buffers: { copies: 'read_write array<u32>', entries: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = threadIndex(id, groups);
  if (row >= uniforms.nRows) { return; }
  var first = immediates.nSteps;
  var later = 0u;
  for (var w = uniforms.copyWords; w > 0u; w--) {
    let at = row * uniforms.copyWords + w - 1u;
    let touched = copies[at];
    if (touched != 0u) { first = 32u * (w - 1u) + countTrailingZeros(touched); }
    var bits = touched;
    bits ^= bits >> 1u;
    bits ^= bits >> 2u;
    bits ^= bits >> 4u;
    bits ^= bits >> 8u;
    bits ^= bits >> 16u;
    if (later == 1u) { bits = ~bits; }
    copies[at] = bits;
    later = bits & 1u;
  }
  entries[row] = 2u * first + later;
}
`,
});
