// Mean and squared deviations of each column over pieces of a list of table rows; the host joins the pieces in float64.
//   maths     mean[p, c] = mean of table[r, c],  m2[p, c] = sum of (table[r, c] - mean[p, c])^2  over the rows r of piece p
//   mapping   one invocation per (piece, column); neighbours read neighbouring columns
//   cost      8 bytes per parameter, half of them from cache
//   races     none: one writer per element
import { defineKernel } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';

/** Rows of a piece: few enough for a sum in float32. */
export const ROWS_PER_PIECE = 256;

export const columnMoments = defineKernel({
  name: 'columnMoments',
  workgroupSize: 64,
  uniforms: { rowStride: 'u32' },
  // rows[begin] to rows[end - 1], in pieces from firstPiece on
  immediates: { begin: 'u32', end: 'u32', firstPiece: 'u32' },
  buffers: { rows: 'read array<u32>', table: 'read array<f32>', moments: 'read_write array<vec2f>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  let column = i % uniforms.rowStride;
  let begin = immediates.begin + i / uniforms.rowStride * ${ROWS_PER_PIECE}u;
  let end = min(begin + ${ROWS_PER_PIECE}u, immediates.end);
  if (begin >= end) { return; }
  var mean = 0.0;
  for (var k = begin; k < end; k++) { mean += table[rows[k] * uniforms.rowStride + column]; }
  mean /= f32(end - begin);
  var m2 = 0.0;
  for (var k = begin; k < end; k++) {
    let deviation = table[rows[k] * uniforms.rowStride + column] - mean;
    m2 += deviation * deviation;
  }
  moments[immediates.firstPiece * uniforms.rowStride + i] = vec2f(mean, m2);
}
`,
});
