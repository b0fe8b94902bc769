/** Closed forms of idle steps against as many steps made one by one, in float64; and what an optimiser must be. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../../shaders/ops/adam.js';
import { checkOptimizer, idleStruct, type OptimizerOp, rateStruct, stateBuffers } from '../../../shaders/ops/optimizer.js';
import { sgd } from '../../../shaders/ops/sgd.js';
import { constant, lrSweep, oneCycle, type Schedule } from '../../../src/schedule/schedule.js';
import { rmsProp } from '../../helpers/ops.js';

type State = [p: number, m: number, v: number];

/** p, m and v. */
const TOLERANCES = [1e-6, 1e-11, 1e-11];

const N_STEPS = 120;
const rate = fc.double({ min: 1e-5, max: 0.05, noNaN: true });
const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.record({ lr: rate, beta1: fc.double({ min: 0, max: 0.97, noNaN: true }) }).map((own) => constant({ totalSteps: N_STEPS, ...own })),
  fc.record({ lrMax: rate, defaults: fc.constantFrom('fastai1', 'fastai2') }).map((own) => oneCycle({ totalSteps: N_STEPS, ...own })),
  fc.constant(lrSweep({ startLr: 1e-7, endLr: 1, numIt: N_STEPS })),
  fc
    .tuple(...[0.02, 0.97].map((max) => fc.array(fc.double({ min: 1e-6, max, noNaN: true }), { minLength: N_STEPS, maxLength: N_STEPS })))
    .map(([lr, beta1]) => ({ lr: Float64Array.from(lr), beta1: Float64Array.from(beta1), end: { lr: lr[0], beta1: beta1[0] } })),
);

/** A row that a gradient has left somewhere in a schedule, and the steps for which it is then idle. */
const cases = fc.record({
  schedule: schedules,
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

const OPTIMIZERS: [string, OptimizerOp][] = [
  ['sgd', sgd()],
  ['sgd with momentum', sgd({ momentum: true })],
  ['adam', adam()],
  ['adam with the eps of fastai 2', adam({ eps: 1e-5 })],
  ['adam with a long memory', adam({ beta2: 0.999 })],
  ['adam with a short memory', adam({ beta2: 0.9 })],
];

for (const [name, op] of OPTIMIZERS) {
  const { update, rate, nState, idle } = op;
  test(`the closed form is as many steps without a gradient, from the step on that it says: ${name}`, () => {
    let nTried = 0;
    fc.assert(
      fc.property(cases, ({ schedule, wd, stepCount, from, gap, p, size, m }) => {
        const { columns, validFrom } = idle!.table(schedule, { wd, stepCount });
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
        const at = (t: number) =>
          Object.fromEntries(
            Object.entries(columns).map(([field, values]) => {
              const n = values.length / (N_STEPS + 1);
              return [field, values.subarray(t * n, (t + 1) * n)];
            }),
          );
        const found = idle!.advance(state, {
          wdDecay: product((t) => 1 - schedule.lr[t] * wd),
          decays: idle!.decays.map((decay) => product((t) => (decay === 'beta1' ? schedule.beta1[t] : decay))),
          before: at(t0),
          after: at(t1),
        });
        for (let i = 0; i <= nState; i++) {
          const error = Math.abs(found[i] - wanted[i]);
          const scale = i === 0 ? Math.max(1, Math.abs(p)) : Math.abs(wanted[i]);
          assert.ok(error <= TOLERANCES[i] * scale, `${'pmv'[i]} from ${t0} over ${t1 - t0}: ${found[i]}, not ${wanted[i]}`);
        }
      }),
      { numRuns: 400 },
    );
    assert.ok(nTried > 200, `only ${nTried} closed forms tried`);
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
    assert.throws(() => checkOptimizer(op), /RangeError|^The optimiser greedy keeps .* numbers for each parameter, .* at most 2\./);
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
