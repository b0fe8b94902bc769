import type { LossOp } from '../../shaders/ops/loss.js';
import { checkOptimizer, idleStruct, type OptimizerOp, rateStruct } from '../../shaders/ops/optimizer.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import { type ScoreOp, scoreSumType } from '../../shaders/ops/score.js';
import { DotbiasError } from '../base/errors.js';
import { hash32 } from '../base/random.js';
import type { Gpu } from '../gpu/gpu.js';
import { defineKernel, type Op, read } from '../gpu/kernel.js';
import { type Fields, StructArray, type Struct } from '../gpu/struct.js';
import { f32, wgsl } from '../gpu/wgsl.js';
import { constant, oneCycle, type Schedule } from '../schedule/schedule.js';

const N_SAMPLES = 1024;
/** Relative, absolute below 1. Software adapters are off by some 1e-6 in exp, log and pow. */
const WGSL_TOLERANCE = 2e-5;
/** Step of a central difference, and what the slope may be off by: losses may have kinks. */
const DIFFERENCE = 1e-4;
const GRADIENT_TOLERANCE = 1e-3;

/**
 * Checks an op that you wrote: its WGSL gives what its TypeScript twin gives, and the twin's `grad` is the slope of its
 * `value` by finite differences. Samples: predictions, ratings and raw scores in [-6, 6); for a score, vectors of 6 factors
 * in [-1, 1), and that padding has neither value nor gradient; for an optimiser, states that it reaches in two steps from
 * m = v = 0, and that its closed form, if it has one, is as many single steps without a gradient.
 *
 * @throws DotbiasError naming the function, its arguments and both results; ShaderCompileError for wrong WGSL
 */
export async function checkOp(gpu: Gpu, op: LossOp | RangeOp | ScoreOp | OptimizerOp): Promise<void> {
  if ('update' in op) await checkOptimizerOp(gpu, op);
  else if ('bounds' in op) await checkRangeOp(gpu, op);
  else if (/\bfn scoreSum\b/.test(op.wgsl)) await checkScoreOp(gpu, op as ScoreOp);
  else await checkLossOp(gpu, op as LossOp);
}

async function checkLossOp(gpu: Gpu, op: LossOp): Promise<void> {
  const pairs = draw(([a, b]) => [12 * a - 6, 12 * b - 6, 0, 0]);
  const results = await evaluate(gpu, op.name, [op], '', 'vec4f(loss(x.x, x.y), lossGrad(x.x, x.y), 0.0, 0.0)', pairs);
  for (let k = 0; k < N_SAMPLES; k++) {
    const [yHat, y] = pairs.subarray(4 * k);
    const [loss, lossGrad] = results.subarray(4 * k);
    const at = `(${yHat}, ${y})`;
    compare(`${op.name}: WGSL loss${at}`, loss, "its twin's value", op.value(yHat, y));
    compare(`${op.name}: WGSL lossGrad${at}`, lossGrad, "its twin's grad", op.grad(yHat, y));
    compareSlope(`${op.name}: grad${at}`, op.grad(yHat, y), (x) => op.value(x, y), yHat);
  }
}

async function checkRangeOp(gpu: Gpu, op: RangeOp): Promise<void> {
  const samples = draw(([a]) => [12 * a - 6, 0, 0, 0]);
  const results = await evaluate(gpu, op.name, [op], '', 'vec4f(range(x.x), rangeGrad(x.x), 0.0, 0.0)', samples);
  for (let k = 0; k < N_SAMPLES; k++) {
    const z = samples[4 * k];
    compare(`${op.name}: WGSL range(${z})`, results[4 * k], "its twin's value", op.value(z));
    compare(`${op.name}: WGSL rangeGrad(${z})`, results[4 * k + 1], "its twin's grad", op.grad(z));
    compareSlope(`${op.name}: grad(${z})`, op.grad(z), op.value, z);
    const [lo, hi] = op.bounds ?? [-Infinity, Infinity];
    const yHat = op.value(z);
    if (!(yHat >= lo && yHat <= hi)) throw new DotbiasError(`${op.name}: value(${z}) is ${yHat}, outside its bounds of ${lo} to ${hi}.`);
  }
}

/** Factors of a sampled vector: one vec4 that is full, and one with padding. */
const N_FACTORS = 6;

async function checkScoreOp(gpu: Gpu, op: ScoreOp): Promise<void> {
  const vectors = Float32Array.from({ length: 16 * N_SAMPLES }, (_, i) => (i % 8 < N_FACTORS ? 2 * uniform(i >> 3, i % 8) - 1 : 0));
  const code = wgsl`${scoreSumType(op)}
fn part(k: u32, i: u32) -> vec4f {
  let u = 4u * k;
  let sum = scoreSum(inputs[u], inputs[u + 2u]) + scoreSum(inputs[u + 1u], inputs[u + 3u]);
  if (i == 0u) { return vec4f(scoreValue(sum)); }
  let c = (i - 1u) % 2u;
  if (i < 3u) { return scoreUserGrad(inputs[u + c], inputs[u + 2u + c], sum); }
  return scoreItemGrad(inputs[u + c], inputs[u + 2u + c], sum);
}
`;
  const results = await evaluate(gpu, op.name, [op], code, 'part(id.x / 5u, id.x % 5u)', vectors, 5 * N_SAMPLES);
  for (let k = 0; k < N_SAMPLES; k++) {
    const [user, item] = [0, 8].map((from) => vectors.subarray(16 * k + from, 16 * k + from + N_FACTORS));
    const out = results.subarray(20 * k, 20 * k + 20);
    const at = `([${Array.from(user)}], [${Array.from(item)}])`;
    const grads = op.grad(user, item);
    compare(`${op.name}: WGSL scoreValue of the sum${at}`, out[0], "its twin's value", op.value(user, item));
    ['scoreUserGrad', 'scoreItemGrad'].forEach((name, side) => {
      for (let f = 0; f < 8; f++) {
        const wanted = f < N_FACTORS ? grads[side][f] : 0;
        const whose = f < N_FACTORS ? "its twin's grad" : 'the gradient of padding';
        compare(`${op.name}: WGSL ${name}${at}, factor ${f},`, out[4 + 8 * side + f], whose, wanted);
        if (f >= N_FACTORS) continue;
        const moved = (x: number) => [user, item].map((vector, s) => Array.from(vector, (value, i) => (s === side && i === f ? x : value)));
        const value = (x: number) => op.value(...(moved(x) as [number[], number[]]));
        compareSlope(`${op.name}: grad${at}, side ${side}, factor ${f},`, wanted, value, (side === 0 ? user : item)[f]);
      }
    });
  }
}

type State = [p: number, m: number, v: number];

async function checkOptimizerOp(gpu: Gpu, op: OptimizerOp): Promise<void> {
  checkOptimizer(op);
  const wd = 0.1;
  const rate = op.rate(0.01, 0.9, 5);
  const Rate = rateStruct(op);
  const states = draw(([a, b, c, d]) => {
    let state: State = [4 * a - 2, 0, 0];
    [b, c].forEach((each, k) => (state = op.update(...state, 2 * each - 1, op.rate(0.01, 0.9, 3 + k), wd)));
    return [...state, 2 * d - 1];
  });
  const code = wgsl`${Rate.wgsl}
fn step(x: vec4f) -> vec4f {
  var p = vec4f(x.x);
  var m = vec4f(x.y);
  var v = vec4f(x.z);
  update(&p, &m, &v, vec4f(x.w), Rate(${Object.keys(Rate.fields)
    .map((name) => f32(rate[name]))
    .join(', ')}), ${f32(wd)});
  return vec4f(p.w, m.w, v.w, 0.0);
}
`;
  const results = await evaluate(gpu, op.name, [op], code, 'step(x)', states);
  for (let k = 0; k < N_SAMPLES; k++) {
    const [p, m, v, g] = states.subarray(4 * k);
    const wanted = op.update(p, m, v, g, rate, wd);
    const kept = ['p', 'm', 'v'].slice(0, 1 + op.nState);
    kept.forEach((name, i) => {
      compare(`${op.name}: ${name} of WGSL update with p ${p}, m ${m}, v ${v}, g ${g}`, results[4 * k + i], "its twin's", wanted[i]);
    });
  }
  if (op.idle !== undefined) await checkIdle(gpu, op, states);
}

/** Steps that the optimiser has made before the schedules, and the idle steps [from, to) that are checked. */
const STEP_COUNT = 1000;
const SPANS = [
  [0, 1],
  [3, 40],
  [20, 100],
] as const;

/** The closed form of idle steps against as many updates without a gradient, and its WGSL against its twin. */
async function checkIdle(gpu: Gpu, op: OptimizerOp, states: Float32Array<ArrayBuffer>): Promise<void> {
  const idle = op.idle!;
  const Idle = idleStruct(idle);
  const wd = 0.1;
  for (const schedule of [constant({ totalSteps: 100, lr: 0.01 }), oneCycle({ totalSteps: 100, lrMax: 0.01 })]) {
    const { rows, validFrom } = idle.table(schedule, { wd, stepCount: STEP_COUNT });
    for (const [from, to] of SPANS) {
      if (from < validFrom) continue;
      const fields = [from, to].map((t) => rows(t, t + 1));
      const input = { ...productsOf(op, schedule, wd, from, to), before: fields[0], after: fields[1] };
      const table = new StructArray(Idle as Struct<Fields>, 2);
      fields.forEach((values, i) => {
        const entries = Object.entries(values).map(([name, value]) => [name, value.length === 1 ? value[0] : value]);
        table.set(i, Object.fromEntries(entries));
      });
      const code = wgsl`${rateStruct(op).wgsl}${idle.wgsl}
fn rest(x: vec4f) -> vec4f {
  var p = vec4f(x.x);
  var m = vec4f(x.y);
  var v = vec4f(x.z);
  let decays = vec2f(${f32(input.decays[0] ?? 0)}, ${f32(input.decays[1] ?? 0)});
  idle(&p, &m, &v, ${f32(input.wdDecay)}, decays, idles[0], idles[1]);
  return vec4f(p.w, m.w, v.w, 0.0);
}
`;
      const results = await evaluate(gpu, `${op.name}, idle`, [op], code, 'rest(x)', states, N_SAMPLES, table);
      for (let k = 0; k < N_SAMPLES; k++) {
        const state = Array.from(states.subarray(4 * k, 4 * k + 3)) as State;
        for (let i = op.nState; i < 2; i++) state[1 + i] = 0;
        let single = state;
        for (let t = from; t < to; t++)
          single = op.update(...single, 0, op.rate(schedule.lr[t], schedule.beta1[t], STEP_COUNT + t + 1), wd);
        const wanted = idle.advance(state, input);
        ['p', 'm', 'v'].slice(0, 1 + op.nState).forEach((name, i) => {
          const what = `${op.name}: ${name} after idle steps ${from} to ${to} from p ${state[0]}, m ${state[1]}, v ${state[2]}`;
          compare(`${what} by its closed form`, wanted[i], 'by single steps it', single[i]);
          if (op.nState === 2 || i === 0) compare(`${what} by WGSL idle`, results[4 * k + i], "its twin's", wanted[i]);
        });
      }
    }
  }
}

function productsOf({ idle }: OptimizerOp, { lr, beta1 }: Schedule, wd: number, from: number, to: number) {
  const product = (of: (t: number) => number) => {
    let all = 1;
    for (let t = from; t < to; t++) all *= of(t);
    return all;
  };
  return {
    wdDecay: product((t) => 1 - lr[t] * wd),
    decays: idle!.decays.map((decay) => product((t) => (decay === 'beta1' ? beta1[t] : decay))),
  };
}

/** The values of a WGSL expression of `x: vec4f`, the sample, and `id`, at `count` invocations. */
async function evaluate(
  gpu: Gpu,
  name: string,
  ops: readonly Op[],
  functions: string,
  expression: string,
  samples: Float32Array<ArrayBuffer>,
  count = N_SAMPLES,
  idles?: StructArray<Fields>,
): Promise<Float32Array> {
  const kernel = defineKernel({
    name: `checkOp[${name}]`,
    workgroupSize: 64,
    buffers: {
      inputs: 'read array<vec4f>',
      outputs: 'read_write array<vec4f>',
      ...((idles && { idles: read(idles.of) }) as { idles: ReturnType<typeof read> }),
    },
    ops,
    code: (declarations) => wgsl`${declarations}${functions}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = inputs[min(id.x, arrayLength(&inputs) - 1u)];
  outputs[id.x] = ${expression};
}
`,
  });
  const pipeline = await gpu.compile(kernel);
  return gpu.withScope(async (scope) => {
    const inputs = scope.upload('inputs', samples);
    const outputs = scope.allocate('outputs', 16 * count);
    const table = idles && { idles: scope.upload('idles', idles.words) };
    const binding = pipeline.bind(scope, { inputs, outputs, ...(table as { idles: GPUBuffer }) });
    gpu.record('checkOp').dispatch(binding, count).submit();
    return gpu.readFloats(outputs);
  });
}

/** A number in [0, 1), the same every time. */
const uniform = (k: number, i: number) => hash32(1, k, i, 0) / 2 ** 32;

/** Samples made from four numbers in [0, 1) each. */
function draw(sample: (uniforms: number[]) => number[]): Float32Array<ArrayBuffer> {
  const values = new Float32Array(4 * N_SAMPLES);
  for (let k = 0; k < N_SAMPLES; k++) values.set(sample([0, 1, 2, 3].map((i) => uniform(k, i))), 4 * k);
  return values;
}

function compareSlope(what: string, grad: number, value: (x: number) => number, at: number): void {
  const slope = (value(at + DIFFERENCE) - value(at - DIFFERENCE)) / (2 * DIFFERENCE);
  compare(what, grad, 'the slope of value', slope, GRADIENT_TOLERANCE);
}

function compare(what: string, value: number, whose: string, wanted: number, tolerance = WGSL_TOLERANCE): void {
  if (!(Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted)))) {
    throw new DotbiasError(`${what} is ${value}, but ${whose} is ${wanted}.`);
  }
}
