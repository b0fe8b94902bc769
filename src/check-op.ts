import { rateOf, rateStruct, type OptimizerOp } from '../shaders/ops/adam.js';
import type { LossOp } from '../shaders/ops/loss.js';
import { DotbiasError } from './errors.js';
import type { Gpu } from './gpu/device.js';
import { defineKernel } from './gpu/kernel.js';
import { wgsl } from './gpu/wgsl.js';
import { hash32 } from './random.js';

const N_SAMPLES = 1024;
/** Relative, absolute below 1. Software adapters are off by some 1e-6 in exp, log and pow. */
const WGSL_TOLERANCE = 2e-5;
/** Of a central difference with this step, on a loss whose gradient may have kinks. */
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
  const pairs = samples(2, (draw) => [12 * draw() - 6, 12 * draw() - 6]);
  const kernel = defineKernel({
    name: `checkOp[${op.name}]`,
    workgroupSize: 64,
    uniforms: { n: 'u32' },
    buffers: { inputs: 'read array<vec2f>', outputs: 'read_write array<vec2f>' },
    code: (declarations) => wgsl`${declarations}${op.wgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= uniforms.n) { return; }
  let pair = inputs[id.x];
  outputs[id.x] = vec2f(loss(pair.x, pair.y), lossGrad(pair.x, pair.y));
}
`,
  });
  const pipeline = await gpu.compile(kernel);
  const results = await evaluate(gpu, pairs, 2, (inputs, outputs) => pipeline.bind({ inputs, outputs }, { n: N_SAMPLES }));
  for (let k = 0; k < N_SAMPLES; k++) {
    const [yHat, y] = [pairs[2 * k], pairs[2 * k + 1]];
    const at = `(${yHat}, ${y})`;
    compare(`${op.name}: WGSL loss${at}`, results[2 * k], `its twin's value`, op.value(yHat, y), WGSL_TOLERANCE);
    compare(`${op.name}: WGSL lossGrad${at}`, results[2 * k + 1], `its twin's grad`, op.grad(yHat, y), WGSL_TOLERANCE);
    const slope = (op.value(yHat + DIFFERENCE, y) - op.value(yHat - DIFFERENCE, y)) / (2 * DIFFERENCE);
    compare(`${op.name}: grad${at}`, op.grad(yHat, y), 'the slope of value', slope, GRADIENT_TOLERANCE);
  }
}

async function checkOptimizer(gpu: Gpu, op: OptimizerOp): Promise<void> {
  const rate = rateOf(0.01, 0.9, 0.99, 5);
  const hyper = { lr: rate.lr, mom: rate.mom, stepSize: rate.stepSize, vScale: rate.vScale, wd: 0.1, beta2: 0.99, eps: 1e-5 };
  const states = samples(4, (draw) => {
    const m = 2 * draw() - 1;
    return [4 * draw() - 2, m, m * m * (1 + draw()), 2 * draw() - 1];
  });
  for (const type of ['f32', 'vec4f'] as const) {
    const kernel = defineKernel({
      name: `checkOp[${op.name}, ${type}]`,
      workgroupSize: 64,
      uniforms: { n: 'u32', lr: 'f32', mom: 'f32', stepSize: 'f32', vScale: 'f32', wd: 'f32', beta2: 'f32', eps: 'f32' },
      buffers: { inputs: 'read array<vec4f>', outputs: 'read_write array<vec4f>' },
      code: (declarations) => wgsl`${declarations}${rateStruct}${op.wgsl(type)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= uniforms.n) { return; }
  let state = inputs[id.x];
  var p = ${type}(state.x);
  var m = ${type}(state.y);
  var v = ${type}(state.z);
  let rate = Rate(uniforms.lr, uniforms.mom, uniforms.stepSize, uniforms.vScale);
  update(&p, &m, &v, ${type}(state.w), rate, uniforms.wd, uniforms.beta2, uniforms.eps);
  #if ${type === 'f32'}
  outputs[id.x] = vec4f(p, m, v, 0.0);
  #else
  outputs[id.x] = vec4f(p.w, m.w, v.w, 0.0);
  #endif
}
`,
    });
    const pipeline = await gpu.compile(kernel);
    const results = await evaluate(gpu, states, 4, (inputs, outputs) => pipeline.bind({ inputs, outputs }, { n: N_SAMPLES, ...hyper }));
    for (let k = 0; k < N_SAMPLES; k++) {
      const [p, m, v, g] = states.subarray(4 * k, 4 * k + 4);
      const wanted = op.update(p, m, v, g, rate, hyper.wd, hyper.beta2, hyper.eps);
      ['p', 'm', 'v'].forEach((name, i) => {
        compare(`${op.name}: ${name} of WGSL update for ${type} of p ${p}, m ${m}, v ${v}, g ${g}`, results[4 * k + i], `its twin's`, wanted[i], WGSL_TOLERANCE);
      });
    }
  }
}

/** Runs the kernel that `bind` gives over all samples, `width` floats for each. */
async function evaluate(gpu: Gpu, samples: Float32Array<ArrayBuffer>, width: number, bind: (inputs: GPUBuffer, outputs: GPUBuffer) => Parameters<ReturnType<Gpu['record']>['dispatch']>[0]): Promise<Float32Array> {
  const inputs = gpu.upload('inputs', samples);
  const outputs = gpu.allocate('outputs', 4 * width * N_SAMPLES);
  const binding = bind(inputs, outputs);
  try {
    gpu.record('checkOp').dispatch(binding, N_SAMPLES).submit();
    return await gpu.readFloats(outputs);
  } finally {
    binding.release();
    gpu.release(inputs, outputs);
  }
}

/** The same samples every time. */
function samples(width: number, sample: (draw: () => number) => number[]): Float32Array<ArrayBuffer> {
  let counter = 0;
  const draw = () => hash32(1, counter++, 0, 0) / 2 ** 32;
  const values = new Float32Array(width * N_SAMPLES);
  for (let k = 0; k < N_SAMPLES; k++) values.set(sample(draw), k * width);
  return values;
}

function compare(what: string, value: number, whose: string, wanted: number, tolerance: number): void {
  if (!(Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted)))) {
    throw new DotbiasError(`${what} is ${value}, but ${whose} is ${wanted}.`);
  }
}
