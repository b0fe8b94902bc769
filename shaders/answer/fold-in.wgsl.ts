// Vectors of new users from their ratings, the item tables fixed.
//   maths     x minimises sum_k (range(q[k] . x + c[k]) - y[k])^2 + w sum_f ((x[f] - mean[f]) / sd[f])^2, q = (item factors, 1),
//             c the item's bias, w = l2 sqrt(ratings + pseudoCount). With x = mean + D t, D = diag(sd), one Gauss-Newton step solves
//             (D Q' S^2 Q D + w I) dt = D Q' S (y - yHat) - w t,  S = diag(dyHat/dz), by conjugate gradients;
//             a step that raises the sum is halved until it does not. Fixed numbers of iterations at most
//   mapping   one invocation per user, whose vectors are private; users sorted by their number of ratings, so that
//             neighbours have equally much to do
//   cost      per iteration of conjugate gradients 2 rowStride multiply-adds and one item row per rating
//   races     none: invocation k owns out[k] and the slopes of its ratings
//   needs     rows padded with zeros (RowLayout), so that padding columns of mean and sd are 0 and stay out of it
import { defineKernel, read } from '../../src/gpu/kernel.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import type { RangeOp } from '../ops/range.js';
import { Given } from '../ops/structs.js';

/** Gauss-Newton steps with halvings, and iterations of conjugate gradients in each. */
const STEPS = 16;
const INNER = 32;

export const foldIn = (range: RangeOp, hasBias: boolean, factorVecs: number) =>
  defineKernel({
    name: `foldIn[${range.name}, ${hasBias ? 'bias' : 'no bias'}, ${factorVecs}]`,
    workgroupSize: 32,
    uniforms: { nUsers: 'u32', l2: 'f32', pseudoCount: 'f32' },
    buffers: {
      items: 'read array<vec4f>',
      starts: 'read array<u32>',
      given: read(Given),
      prior: 'read array<vec4f>',
      slopes: 'read_write array<f32>',
      out: 'read_write array<vec4f>',
    },
    ops: [range],
    code: (declarations) => wgsl`${declarations}
// User k gave the ratings [starts[k], starts[k + 1]).
const FACTOR_VECS = ${factorVecs}u;
const ROW_VECS = ${factorVecs + (hasBias ? 1 : 0)}u;
alias Row = array<vec4f, ROW_VECS>;
fn mean(f: u32) -> vec4f { return prior[f]; }
fn sd(f: u32) -> vec4f { return prior[ROW_VECS + f]; }

// q . x for the item row at \`row\`, its own bias not included.
fn multiply(row: u32, x: ptr<function, Row>) -> f32 {
  var z = 0.0;
  #if ${hasBias}
  z = (*x)[FACTOR_VECS].x;
  #endif
  for (var f = 0u; f < FACTOR_VECS; f++) { z += dot((*x)[f], items[row + f]); }
  return z;
}

// sum += s q
fn addRow(sum: ptr<function, Row>, s: f32, row: u32) {
  for (var f = 0u; f < FACTOR_VECS; f++) { (*sum)[f] += s * items[row + f]; }
  #if ${hasBias}
  (*sum)[FACTOR_VECS].x += s;
  #endif
}

fn inner(a: ptr<function, Row>, b: ptr<function, Row>) -> f32 {
  var sum = 0.0;
  for (var f = 0u; f < ROW_VECS; f++) { sum += dot((*a)[f], (*b)[f]); }
  return sum;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = threadIndex(id, groups);
  if (k >= uniforms.nUsers) { return; }
  let begin = starts[k];
  let end = starts[k + 1u];
  let weight = uniforms.l2 * sqrt(f32(end - begin) + uniforms.pseudoCount);
  var t: Row;       // the best point so far
  var trial: Row;   // the point to try
  var residual: Row;
  var direction: Row;
  var x: Row;       // a vector in the unscaled columns
  var image: Row;
  var best = 3.4e38;
  for (var step = 0u; step < ${STEPS}u; step++) {
    for (var f = 0u; f < ROW_VECS; f++) { x[f] = mean(f) + sd(f) * trial[f]; image[f] = vec4f(); }
    var cost = weight * inner(&trial, &trial);
    for (var j = begin; j < end; j++) {
      let row = given[j].item * ROW_VECS;
      var z = multiply(row, &x);
      #if ${hasBias}
      z += items[row + FACTOR_VECS].x;
      #endif
      let e = given[j].y - range(z);
      slopes[j] = rangeGrad(z);
      cost += e * e;
      addRow(&image, slopes[j] * e, row);
    }
    // The margin lets rounding pass: near the minimum the sum cannot tell two points apart.
    if (cost > best * 1.00001) {
      for (var f = 0u; f < ROW_VECS; f++) { trial[f] = 0.5 * (trial[f] + t[f]); }
      continue;
    }
    best = cost;
    for (var f = 0u; f < ROW_VECS; f++) {
      t[f] = trial[f];
      residual[f] = sd(f) * image[f] - weight * t[f];
      direction[f] = residual[f];
    }
    var rr = inner(&residual, &residual);
    let enough = 1e-6 * rr;
    if (rr < 1e-9 * weight * weight) { break; }
    for (var i = 0u; i < ${INNER}u && rr > enough; i++) {
      for (var f = 0u; f < ROW_VECS; f++) { x[f] = sd(f) * direction[f]; image[f] = vec4f(); }
      for (var j = begin; j < end; j++) {
        let row = given[j].item * ROW_VECS;
        addRow(&image, slopes[j] * slopes[j] * multiply(row, &x), row);
      }
      for (var f = 0u; f < ROW_VECS; f++) { image[f] = sd(f) * image[f] + weight * direction[f]; }
      let alpha = rr / inner(&direction, &image);
      for (var f = 0u; f < ROW_VECS; f++) {
        trial[f] += alpha * direction[f];
        residual[f] -= alpha * image[f];
      }
      let before = rr;
      rr = inner(&residual, &residual);
      for (var f = 0u; f < ROW_VECS; f++) { direction[f] = residual[f] + rr / before * direction[f]; }
    }
  }
  for (var f = 0u; f < ROW_VECS; f++) { out[k * ROW_VECS + f] = mean(f) + sd(f) * t[f]; }
}
`,
  });
