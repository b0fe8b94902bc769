import { rateFields, rateOf, rateStruct, type OptimizerOp } from '../../shaders/ops/adam.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import { DotbiasError } from '../base/errors.js';
import type { Gpu } from '../gpu/gpu.js';
import { defineKernel } from '../gpu/kernel.js';
import { f32, wgsl } from '../gpu/wgsl.js';
import { hash32 } from '../base/random.js';

const N_SAMPLES = 1024;
/** Relative, absolute below 1. Software adapters are off by some 1e-6 in exp, log and pow. */
const WGSL_TOLERANCE = 2e-5;
/** Step of a central difference, and what the slope may be off by: losses may have kinks. */
const DIFFERENCE = 1e-4;
const GRADIENT_TOLERANCE = 1e-3;

/**
 * Checks an op that you wrote: its WGSL gives what its TypeScript twin gives, and for a loss the twin's `grad` is the
 * slope of its `value` by finite differences. Samples: predictions and ratings in [-6, 6); for an optimiser, states that
 * Adam-like methods can reach (v >= m^2).
 *
 * @throws DotbiasError naming the function, its arguments and both results; ShaderCompileError for wrong WGSL
 */
export async function checkOp(gpu: Gpu, op: LossOp | OptimizerOp): Promise<void> {
  if ('update' in op) await checkOptimizer(gpu, op);
  else await checkLoss(gpu, op);
}

async function checkLoss(gpu: Gpu, op: LossOp): Promise<void> {
  const pairs = draw(([a, b]) => [12 * a - 6, 12 * b - 6, 0, 0]);
  const results = await evaluate(gpu, op.name, op.wgsl, 'vec4f(loss(x.x, x.y), lossGrad(x.x, x.y), 0.0, 0.0)', pairs);
  for (let k = 0; k < N_SAMPLES; k++) {
    const [yHat, y] = pairs.subarray(4 * k);
    const [loss, lossGrad] = results.subarray(4 * k);
    const at = `(${yHat}, ${y})`;
    compare(`${op.name}: WGSL loss${at}`, loss, "its twin's value", op.value(yHat, y), WGSL_TOLERANCE);
    compare(`${op.name}: WGSL lossGrad${at}`, lossGrad, "its twin's grad", op.grad(yHat, y), WGSL_TOLERANCE);
    const slope = (op.value(yHat + DIFFERENCE, y) - op.value(yHat - DIFFERENCE, y)) / (2 * DIFFERENCE);
    compare(`${op.name}: grad${at}`, op.grad(yHat, y), 'the slope of value', slope, GRADIENT_TOLERANCE);
  }
}

async function checkOptimizer(gpu: Gpu, op: OptimizerOp): Promise<void> {
  const rate = rateOf(0.01, 0.9, 0.99, 5);
  const [wd, beta2, eps] = [0.1, 0.99, 1e-5];
  const constants = `Rate(${rateFields(rate).map(f32).join(', ')}), ${[wd, beta2, eps].map(f32).join(', ')}`;
  const states = draw(([a, b, c, d]) => [4 * a - 2, 2 * b - 1, (2 * b - 1) ** 2 * (1 + c), 2 * d - 1]);
  for (const type of ['f32', 'vec4f'] as const) {
    const step = `
fn step(x: vec4f) -> vec4f {
  var p = ${type}(x.x);
  var m = ${type}(x.y);
  var v = ${type}(x.z);
  update(&p, &m, &v, ${type}(x.w), ${constants});
  return vec4f(vec4f(p).w, vec4f(m).w, vec4f(v).w, 0.0);
}
`;
    const results = await evaluate(gpu, `${op.name}, ${type}`, rateStruct + op.wgsl(type) + step, 'step(x)', states);
    for (let k = 0; k < N_SAMPLES; k++) {
      const [p, m, v, g] = states.subarray(4 * k);
      const wanted = op.update(p, m, v, g, rate, wd, beta2, eps);
      ['p', 'm', 'v'].forEach((name, i) => {
        compare(
          `${op.name}: ${name} of WGSL update for ${type} with p ${p}, m ${m}, v ${v}, g ${g}`,
          results[4 * k + i],
          "its twin's",
          wanted[i],
          WGSL_TOLERANCE,
        );
      });
    }
  }
}

/** The values of a WGSL expression of `x: vec4f` at all samples. */
async function evaluate(
  gpu: Gpu,
  name: string,
  functions: string,
  expression: string,
  samples: Float32Array<ArrayBuffer>,
): Promise<Float32Array> {
  const kernel = defineKernel({
    name: `checkOp[${name}]`,
    workgroupSize: 64,
    buffers: { inputs: 'read array<vec4f>', outputs: 'read_write array<vec4f>' },
    code: (declarations) => wgsl`${declarations}${functions}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = inputs[id.x];
  outputs[id.x] = ${expression};
}
`,
  });
  const pipeline = await gpu.compile(kernel);
  const inputs = gpu.upload('inputs', samples);
  const outputs = gpu.allocate('outputs', samples.byteLength);
  try {
    gpu.record('checkOp').dispatch(pipeline.bind({ inputs, outputs }), N_SAMPLES).submit();
    return await gpu.readFloats(outputs);
  } finally {
    gpu.release(inputs, outputs);
  }
}

/** Samples made from four numbers in [0, 1) each, the same every time. */
function draw(sample: (uniform: number[]) => number[]): Float32Array<ArrayBuffer> {
  const values = new Float32Array(4 * N_SAMPLES);
  for (let k = 0; k < N_SAMPLES; k++) values.set(sample([0, 1, 2, 3].map((i) => hash32(1, k, i, 0) / 2 ** 32)), 4 * k);
  return values;
}

function compare(what: string, value: number, whose: string, wanted: number, tolerance: number): void {
  if (!(Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted)))) {
    throw new DotbiasError(`${what} is ${value}, but ${whose} is ${wanted}.`);
  }
}
