/** The closed form of idle steps against Adam made step by step, in float64. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../../shaders/ops/adam.js';
import { biasCorrection, idlePoles, idleQ, idleQSums, N_POLES, type PoleOptions, replayEnd } from '../../../shaders/ops/adam-poles.js';
import { constant, lrSweep, oneCycle, type Schedule } from '../../../src/schedule/schedule.js';
import { randomSource } from '../../helpers/random.js';

type State = readonly [p: number, m: number, v: number];

/** Adam's steps t0 to t1 - 1 with gradient zero, one after another. */
function bruteForce(
  [p, m, v]: State,
  { lr, beta1 }: Schedule,
  { wd, stepCount, ...constants }: PoleOptions,
  t0: number,
  t1: number,
): State {
  const { update, rate } = adam(constants);
  for (let t = t0; t < t1; t++) [p, m, v] = update(p, m, v, 0, rate(lr[t], beta1[t], stepCount + t + 1), wd);
  return [p, m, v];
}

/** The same at once: p1 - m1 Q1(s1) = W (p0 - m0 Q0(s0)). */
function closedForm(
  [p, m, v]: State,
  { lr, beta1 }: Schedule,
  { wd, beta2 }: PoleOptions,
  t0: number,
  t1: number,
  q: (t: number, s: number) => number,
): State {
  let [B, W] = [1, 1];
  for (let t = t0; t < t1; t++) {
    B *= beta1[t];
    W *= 1 - lr[t] * wd;
  }
  const v1 = v * beta2 ** (t1 - t0);
  return [W * (p - m * q(t0, Math.sqrt(v))) + B * m * q(t1, Math.sqrt(v1)), B * m, v1];
}

/** States that a gradient leaves behind: v at least m^2 / 5.5 (Cauchy and Schwarz over the decays 0.9 and 0.99). */
function* states(seed: number): Generator<State> {
  const random = randomSource(seed);
  for (let exponent = -6; exponent <= 1; exponent++) {
    const s = 10 ** exponent * (0.5 + random());
    yield [2 * random() - 1, (2 * random() - 1) * 2 * s, s * s];
  }
}

const N_STEPS = 600;
const schedules: Record<string, Schedule> = {
  oneCycle: oneCycle({ totalSteps: N_STEPS, lrMax: 0.02 }),
  constant: constant({ totalSteps: N_STEPS, lr: 0.003 }),
  'oneCycle of fastai 2': oneCycle({ totalSteps: N_STEPS, lrMax: 0.05, defaults: 'fastai2' }),
};
const options: Record<string, PoleOptions> = {
  'fastai 1': { wd: 0.1, beta2: 0.99, eps: 1e-8, stepCount: 0 },
  'fastai 2': { wd: 0.1, beta2: 0.99, eps: 1e-5, stepCount: 0 },
  'no decay': { wd: 0, beta2: 0.99, eps: 1e-5, stepCount: 0 },
  'a later fit': { wd: 0.01, beta2: 0.99, eps: 1e-5, stepCount: 5000 },
};
const GAPS = [1, 2, 7, 50, 200];

for (const [scheduleName, schedule] of Object.entries(schedules)) {
  for (const [name, idle] of Object.entries(options)) {
    test(`the sum is Adam step by step: ${scheduleName}, ${name}`, () => {
      for (const gap of GAPS) {
        for (const t0 of [0, 1, 40, N_STEPS - gap]) {
          for (const state of states(gap + t0)) {
            const wanted = bruteForce(state, schedule, idle, t0, t0 + gap);
            const found = closedForm(state, schedule, idle, t0, t0 + gap, (t, s) => idleQSums(schedule, idle, t, [s])[0]);
            found.forEach((value, i) =>
              assert.ok(
                Math.abs(value - wanted[i]) <= 1e-11 * (i === 0 ? 1 : Math.abs(wanted[i])),
                `${'pmv'[i]} from ${t0} over ${gap}: ${value}, not ${wanted[i]}`,
              ),
            );
          }
        }
      }
    });

    test(`poles give Adam's parameter from replayEnd on: ${scheduleName}, ${name}`, () => {
      const polesOf = idlePoles(schedule, idle);
      const first = replayEnd(schedule, idle, polesOf);
      assert.ok(first < N_STEPS / 2, `poles are trusted from step ${first} only`);
      for (const gap of GAPS) {
        for (const t0 of [first, first + 1, first + 40, N_STEPS - gap]) {
          for (const state of states(gap + t0)) {
            const [p] = closedForm(state, schedule, idle, t0, t0 + gap, (t, s) => idleQ(polesOf(t, t + 1), s));
            const [wanted] = bruteForce(state, schedule, idle, t0, t0 + gap);
            assert.ok(Math.abs(p - wanted) < 1e-6, `p from ${t0} over ${gap} with v ${state[2]}: ${p}, not ${wanted}`);
          }
        }
      }
    });
  }
}

test('the correction of a bias is 1 - beta^t to the last bit, where it leaves out the power too', () => {
  const random = randomSource(9);
  for (let i = 0; i < 20_000; i++) {
    const beta = i % 10 === 0 ? 0 : 1 - 10 ** (-5 * random());
    const t = 1 + Math.floor((100 * random()) / (1 - beta));
    assert.is(biasCorrection(beta, t), 1 - beta ** t, `beta ${beta}, t ${t}`);
  }
});

test('after the last step nothing is left to come', () => {
  const poles = idlePoles(schedules['oneCycle'], options['fastai 1'])(N_STEPS, N_STEPS + 1);
  assert.is(idleQ(poles, 0.1), 0);
  assert.equal(idleQSums(schedules['oneCycle'], options['fastai 1'], N_STEPS, [0.1]), [0]);
  assert.is(poles.weights.length, N_POLES);
});

test('the last step alone needs one pole', () => {
  const idle = options['fastai 2'];
  const schedule = constant({ totalSteps: 3, lr: 0.1 });
  const poles = idlePoles(schedule, idle)(2, 3);
  assert.equal(
    Array.from(poles.weights, (w) => w > 0),
    [true, false, false],
  );
  for (const s of [0, 1e-6, 1]) assert.ok(Math.abs(idleQ(poles, s) / idleQSums(schedule, idle, 2, [s])[0] - 1) < 1e-12);
});

test('a momentum of nothing, or next to it, leaves nothing to come', () => {
  for (const beta1 of [0, 2e-323, 1e-300]) {
    const { weights, shifts } = idlePoles(lrSweep({ beta1 }), options['fastai 2'])(0, 101);
    assert.ok(weights.every((w) => w >= 0 && w < 1e-280));
    assert.ok(shifts.every((x) => x > 0));
  }
});

test('a sweep whose rates grow faster than the momentum fades is replayed to its end', () => {
  const schedule = lrSweep({ startLr: 1e-7, endLr: 10, numIt: 100 });
  for (const idle of [options['fastai 1'], options['fastai 2']]) {
    assert.is(replayEnd(schedule, idle, idlePoles(schedule, idle)), 100);
  }
});

test('a decay too strong for the poles is replayed', () => {
  const schedule = constant({ totalSteps: 50, lr: 0.5 });
  const idle = { wd: 1.9, beta2: 0.99, eps: 1e-8, stepCount: 0 };
  assert.is(replayEnd(schedule, idle, idlePoles(schedule, idle)), 50);
});

test('constants smaller than those that the poles are tested with are replayed', () => {
  const schedule = constant({ totalSteps: 50, lr: 0.003 });
  const idle = { wd: 0.1, beta2: 0.9, eps: 1e-8, stepCount: 5000 };
  const end = (constants: Partial<PoleOptions>) => {
    const options = { ...idle, ...constants };
    return replayEnd(schedule, options, idlePoles(schedule, options));
  };
  assert.ok(end({}) < 50);
  assert.is(end({ beta2: 0.89 }), 50);
  assert.is(end({ beta2: 0.5, eps: 1e-12 }), 50);
  assert.is(end({ eps: 9e-9 }), 50);
});

test.run();
