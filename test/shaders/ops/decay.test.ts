import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decayBetween, decayWgsl, expNegative, hiLo, logFactor } from '../../../shaders/ops/decay.js';
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { oneCycle } from '../../../src/schedule/schedule.js';
import { sharedGpuOrNull } from '../../helpers/gpu.js';
import { randomFloats } from '../../helpers/kernel-input.js';

const gpu = await sharedGpuOrNull();

const LEAST = Math.fround(-87.3);
/** The distance of floats as large as y. */
const unit = (y: number) => 2 ** (Math.floor(Math.log2(y)) - 23);

test('exp is within 1.5 units in the last place, and 0 where float32 has no normal numbers', () => {
  let worst = 0;
  for (let i = 0; i <= 2_000_000; i++) {
    const x = Math.fround((-100 * i) / 2_000_000);
    const found = expNegative(x);
    if (x < LEAST) assert.is(found, 0);
    else worst = Math.max(worst, Math.abs(found - Math.exp(x)) / unit(Math.exp(x)));
  }
  assert.ok(worst <= 1.5, `off by ${worst} units`);
});

test('exp is exact at its ends, and never NaN', () => {
  assert.is(expNegative(0), 1);
  assert.is(expNegative(-0), 1);
  assert.is(expNegative(-1e-45), 1);
  assert.is(expNegative(1e-7), 1);
  assert.ok(expNegative(LEAST) > 1.17549435e-38);
  for (const x of [-88, -1e4, -3e38, -Infinity]) assert.is(expNegative(x), 0);
});

/** 100,000 samples have a mean that is itself uncertain by 0.001 units; more show at most 0.0025. */
const BIAS = 0.01;

test('exp of small numbers errs to either side alike', () => {
  for (const size of [1e-6, 1e-4, 1e-3, 1e-2, 0.1]) {
    const xs = randomFloats(100_000, 3, -size, 0);
    const sum = xs.reduce((all, x) => all + (expNegative(x) - Math.exp(x)) / 2 ** -24, 0);
    assert.ok(Math.abs(sum / xs.length) <= BIAS, `down to -${size} the mean error is ${sum / xs.length} units`);
  }
});

const N_STEPS = 1024;
const random = (lo: number, hi: number) => randomFloats(N_STEPS, 5, lo, hi);
/** Factors of a window's steps. */
const FACTORS = {
  beta1: random(0.85, 0.95),
  'a beta1 near 1': random(0.99, 1),
  '1 - lr wd': oneCycle({ totalSteps: N_STEPS, lrMax: 0.02 }).lr.map((lr) => 1 - lr * 0.1),
  'a strong decay': random(0, 1),
  'a factor of 0 among others': random(0.85, 0.95).map((factor, s) => (s % 100 === 50 ? 0 : factor)),
  'nothing but 0': new Float64Array(N_STEPS),
  'nothing but 1': new Float64Array(N_STEPS).fill(1),
};

/** Spans of a window, each with its product of factors, and the prefix sums at its ends. */
function spansOf(factors: Float64Array) {
  const sums = [0];
  factors.forEach((factor, s) => sums.push(sums[s] + logFactor(factor)));
  const at = randomFloats(4000, 7, 0, N_STEPS + 1);
  return Array.from({ length: 2000 }, (_, k) => {
    const [from, to] = [at[2 * k], at[2 * k + 1]].map(Math.floor).sort((a, b) => a - b);
    const near = k % 2 === 0 ? Math.min(to, from + (k % 40)) : to;
    const product = factors.subarray(from, near).reduce((all, factor) => all * factor, 1);
    return { from: hiLo(sums[from]), to: hiLo(sums[near]), product };
  });
}

for (const [name, factors] of Object.entries(FACTORS)) {
  test(`products by sums of logarithms are those of the factors, in a window of 1,024 steps: ${name}`, () => {
    let worst = 0;
    for (const { from, to, product } of spansOf(factors)) worst = Math.max(worst, Math.abs(decayBetween(from, to) - product));
    assert.ok(worst <= 2e-7, `off by ${worst}`);
  });
}

test('the device gives what the twins give, within a unit in the last place', async () => {
  if (!gpu) return;
  const kernel = defineKernel({
    name: 'decay',
    workgroupSize: 64,
    buffers: { ends: 'read array<vec4f>', products: 'read_write array<vec2f>' },
    code: (declarations) => wgsl`${declarations}${decayWgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&ends)) {
    let e = ends[id.x];
    products[id.x] = vec2f(decayBetween(e.xy, e.zw), expNegative(e.z));
  }
}
`,
  });
  const spans = Object.values(FACTORS).flatMap((factors) => spansOf(factors).map(({ from, to }) => [...from, ...to]));
  const alone = Array.from({ length: 20_000 }, (_, i) => [0, 0, Math.fround(-i / 200), 0]);
  const tiny = Array.from({ length: 2000 }, (_, i) => [0, 0, Math.fround(-(2 ** (-i / 64))), 0]);
  const ends = [...spans, ...alone, ...tiny, [0, 0, LEAST, 0], [0, 0, -3e38, 0]];
  const pipeline = await gpu.compile(kernel);
  const found = await gpu.withScope((scope) => {
    const products = scope.allocate('products', 8 * ends.length);
    const binding = pipeline.bind(scope, { ends: scope.upload('ends', Float32Array.from(ends.flat())), products });
    gpu.record().dispatch(binding, ends.length).submit();
    return gpu.readFloats(products);
  });
  ends.forEach(([fromHi, fromLo, hi, lo], k) => {
    for (const [value, wanted] of [
      [found[2 * k], decayBetween([fromHi, fromLo], [hi, lo])],
      [found[2 * k + 1], expNegative(hi)],
    ]) {
      const isSame = wanted === 0 || wanted === 1 ? value === wanted : Math.abs(value - wanted) <= 1.01 * unit(Math.max(value, wanted));
      assert.ok(isSame, `of ${[fromHi, fromLo, hi, lo].join(', ')}: ${value}, not ${wanted}`);
    }
  });
});

test.run();
