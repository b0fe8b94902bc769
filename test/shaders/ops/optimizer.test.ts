/** Closed forms of idle steps against as many steps made one by one, in float64; and what an optimiser must be. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../../shaders/ops/adam.js';
import { checkOptimizer, idleStruct, type OptimizerOp, rateStruct, stateBuffers } from '../../../shaders/ops/optimizer.js';
import { sgd } from '../../../shaders/ops/sgd.js';
import { constant, lrSweep, oneCycle, type Schedule } from '../../../src/schedule/schedule.js';
import { randomFloats } from '../../helpers/kernel-input.js';
import { rmsProp } from '../../helpers/ops.js';

type State = [p: number, m: number, v: number];

const N_STEPS = 80;
/** Schedules as users have them, and one whose rates jump about. */
const SCHEDULES: Record<string, (lr: number, beta1: number, seed: number) => Schedule> = {
  constant: (lr, beta1) => constant({ totalSteps: N_STEPS, lr, beta1 }),
  'one cycle': (lrMax) => oneCycle({ totalSteps: N_STEPS, lrMax }),
  'one cycle of fastai 2': (lrMax) => oneCycle({ totalSteps: N_STEPS, lrMax, defaults: 'fastai2' }),
  sweep: (_, beta1) => lrSweep({ startLr: 1e-7, endLr: 1, numIt: N_STEPS, beta1 }),
  jumps: (lr, beta1, seed) => ({
    lr: randomFloats(N_STEPS, seed, lr / 100, lr),
    beta1: randomFloats(N_STEPS, seed + 1, 0, beta1),
    end: { lr, beta1 },
  }),
};

/** A row that a gradient has left somewhere in a schedule, and the steps for which it is then idle. */
const cases = fc.record({
  kind: fc.constantFrom(...Object.keys(SCHEDULES)),
  lr: fc.double({ min: 1e-5, max: 0.05, noNaN: true }),
  beta1: fc.double({ min: 0, max: 0.97, noNaN: true }),
  seed: fc.nat(1000),
  wd: fc.constantFrom(0, 0.01, 0.1, 1),
  stepCount: fc.constantFrom(0, 30, 5000),
  /** From 0 (the first step that the closed form covers) to 1 (the last step of the schedule). */
  from: fc.double({ min: 0, max: 1, noNaN: true }),
  gap: fc.integer({ min: 1, max: N_STEPS }),
  p: fc.double({ min: -2, max: 2, noNaN: true }),
  /** The size of gradients, and m in units of what they can leave. */
  size: fc.integer({ min: -6, max: 1 }).map((exponent) => 10 ** exponent),
  m: fc.double({ min: -1, max: 1, noNaN: true }),
});

/**
 * What the parameter may be off by: ten times what 2,000 cases of each showed. Adam's poles are off by up to 8e-8, the rest is
 * rounding, up to 7e-15; that of m and v is up to 9e-15.
 */
const [BY_POLES, BY_ROUNDING] = [8e-7, 1e-13];

const OPTIMIZERS: [string, OptimizerOp, number][] = [
  ['sgd', sgd(), BY_ROUNDING],
  ['sgd with momentum', sgd({ momentum: true }), BY_ROUNDING],
  ['adam', adam(), BY_POLES],
  ['adam with the eps of fastai 2', adam({ eps: 1e-5 }), BY_POLES],
  ['adam with a long memory', adam({ beta2: 0.999 }), BY_POLES],
  ['adam with a short memory', adam({ beta2: 0.9 }), BY_POLES],
];

for (const [name, op, tolerance] of OPTIMIZERS) {
  const { update, rate, nState, idle } = op;
  test(`the closed form is as many steps without a gradient, from the step on that it says: ${name}`, () => {
    let nTried = 0;
    fc.assert(
      fc.property(cases, ({ kind, lr, beta1, seed, wd, stepCount, from, gap, p, size, m }) => {
        const schedule = SCHEDULES[kind](lr, beta1, seed);
        const { rows, validFrom } = idle!.table(schedule, { wd, stepCount });
        assert.ok(validFrom >= 0 && validFrom <= N_STEPS);
        const t0 = validFrom + Math.floor(from * (N_STEPS - validFrom));
        const t1 = Math.min(N_STEPS, t0 + gap);
        if (t0 >= t1) return;
        nTried++;
        // Under Adam one gradient g leaves m = (1 - beta1) g and v = (1 - beta2) g^2.
        const state: State = [p, nState > 0 ? m * size : 0, nState > 1 ? size ** 2 : 0];
        let wanted: State = state;
        for (let t = t0; t < t1; t++) wanted = update(...wanted, 0, rate(schedule.lr[t], schedule.beta1[t], stepCount + t + 1), wd);
        const product = (of: (t: number) => number) => {
          let all = 1;
          for (let t = t0; t < t1; t++) all *= of(t);
          return all;
        };
        const found = idle!.advance(state, {
          wdDecay: product((t) => 1 - schedule.lr[t] * wd),
          decays: idle!.decays.map((decay) => product((t) => (decay === 'beta1' ? schedule.beta1[t] : decay))),
          before: rows(t0, t0 + 1),
          after: rows(t1, t1 + 1),
        });
        for (let i = 0; i <= nState; i++) {
          const error = Math.abs(found[i] - wanted[i]);
          const scale = i === 0 ? Math.max(1, Math.abs(p)) : Math.max(1e-30, Math.abs(wanted[i]));
          assert.ok(
            error <= (i === 0 ? tolerance : BY_ROUNDING) * scale,
            `${'pmv'[i]} from ${t0} over ${t1 - t0}: ${found[i]}, not ${wanted[i]}`,
          );
        }
      }),
      { numRuns: 200 },
    );
    assert.ok(nTried > 100, `only ${nTried} closed forms tried`);
  });

  test(`rates have the same names at every step, and are finite: ${name}`, () => {
    for (const t of [1, 2, 100, 1e6]) {
      for (const beta1 of [0, 0.5, 0.99]) {
        const values = rate(1e-3, beta1, t);
        assert.equal(Object.keys(values), Object.keys(rateStruct(op).fields));
        assert.ok(Object.values(values).every(Number.isFinite));
      }
    }
  });
}

test('structs hold what an optimiser says, and buffers its state', () => {
  assert.match(rateStruct(adam()).wgsl, /struct Rate {\n {2}lr: f32,\n {2}beta1: f32,\n {2}stepSize: f32,\n {2}vScale: f32,\n}/);
  assert.match(idleStruct(adam().idle!).wgsl, /struct Idle {\n {2}weights: vec3f,\n {2}shifts: vec3f,\n}/);
  assert.equal(Object.keys(stateBuffers(sgd())), []);
  assert.equal(Object.keys(stateBuffers(rmsProp)), ['m']);
  assert.equal(Object.keys(stateBuffers(adam())), ['m', 'v']);
});

test('more state than a kernel can bind is refused by name', () => {
  for (const nState of [3, -1, 1.5, undefined]) {
    const op = { ...rmsProp, name: 'greedy', nState } as unknown as OptimizerOp;
    assert.throws(() => checkOptimizer(op), /^The optimiser greedy keeps .* numbers for each parameter, .* at most 2\./);
  }
  for (const op of [adam(), sgd(), rmsProp]) checkOptimizer(op);
});

test('what is no optimiser is refused', () => {
  for (const missing of [{ wgsl: undefined }, { update: undefined }, { rate: undefined }]) {
    const op = { ...rmsProp, ...missing } as unknown as OptimizerOp;
    assert.throws(() => checkOptimizer(op), /The optimiser rmsProp must have the text wgsl and the functions update and rate/);
  }
});

test.run();
