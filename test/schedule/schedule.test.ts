import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { constant, lrSweep, oneCycle, type OneCycleOptions } from '../../src/schedule/schedule.js';

interface FastaiSchedule {
  version: 'v1' | 'v2';
  total_steps: number;
  lr_max: number;
  div_factor?: number;
  final_div?: number;
  div?: number;
  div_final?: number;
  pct_start: number;
  moms: number[];
  step: number[];
  lr: number[];
  mom: number[];
  after_last_batch?: { lr: number; mom: number };
}

const fixture = (name: string) => JSON.parse(readFileSync(new URL(`../../../test/fixtures/${name}.json`, import.meta.url), 'utf8'));
const { schedules } = fixture('one_cycle') as { schedules: FastaiSchedule[] };

const near = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= 1e-13 * Math.abs(expected), `${what}: ${actual} is not ${expected}`);

for (const expected of schedules) {
  const { version, total_steps: totalSteps, lr_max: lrMax } = expected;
  const name = version === 'v1' ? 'fastai1' : 'fastai2';

  const matches = (options: OneCycleOptions) => {
    const { lr, beta1, end } = oneCycle(options);
    assert.is(lr.length, totalSteps);
    assert.is(beta1.length, totalSteps);
    expected.step.forEach((k, i) => {
      near(lr[k], expected.lr[i], `lr of step ${k}`);
      near(beta1[k], expected.mom[i], `beta1 of step ${k}`);
    });
    if (expected.after_last_batch) {
      near(end.lr, expected.after_last_batch.lr, 'end lr');
      near(end.beta1, expected.after_last_batch.mom, 'end beta1');
    }
  };

  test(`one-cycle of ${totalSteps} steps equals ${name}, all options given`, () => {
    const { pct_start: pctStart, moms } = expected;
    const divFactor = (expected.div_factor ?? expected.div)!;
    const finalDiv = (expected.final_div ?? expected.div_final)!;
    matches({ totalSteps, lrMax, defaults: name, divFactor, finalDiv, pctStart, moms: [moms[0], moms[1]] });
  });

  test(`one-cycle of ${totalSteps} steps equals ${name} by default`, () => matches({ totalSteps, lrMax, defaults: name }));
}

test('the fixture holds every case: both versions, short and long', () => {
  const cases = schedules.map((s) => `${s.version} ${s.total_steps}`).join(', ');
  assert.is(cases, 'v1 10, v1 100, v1 7030, v1 7035, v2 10, v2 100, v2 7035');
  assert.ok(schedules.every((s) => s.step.length >= Math.min(100, s.total_steps)));
});

test('fastai1 is the default and peaks exactly at step floor(n pctStart)', () => {
  const { lr, beta1 } = oneCycle({ totalSteps: 7030, lrMax: 0.01 });
  near(lr[0], 0.01 / 25, 'first lr');
  assert.is(lr[2109], 0.01);
  assert.is(beta1[2109], 0.85);
  assert.is(lr.indexOf(Math.max(...lr)), 2109);
});

test('fastai1 finalDiv defaults to divFactor * 1e4', () => {
  near(oneCycle({ totalSteps: 10, lrMax: 1, divFactor: 10 }).end.lr, 1e-5, 'end lr');
});

test('fastai2 leaves the optimiser at the last step', () => {
  const { lr, beta1, end } = oneCycle({ totalSteps: 50, lrMax: 0.01, defaults: 'fastai2' });
  assert.equal(end, { lr: lr[49], beta1: beta1[49] });
});

test('each option changes the schedule', () => {
  const base: OneCycleOptions = { totalSteps: 40, lrMax: 0.01 };
  const lrs = (extra: Partial<OneCycleOptions>) => Array.from(oneCycle({ ...base, ...extra }).lr);
  const moms = (extra: Partial<OneCycleOptions>) => Array.from(oneCycle({ ...base, ...extra }).beta1);
  const others: Partial<OneCycleOptions>[] = [
    { lrMax: 0.02 },
    { divFactor: 10 },
    { finalDiv: 100 },
    { pctStart: 0.5 },
    { defaults: 'fastai2' },
  ];
  for (const extra of others) assert.not.equal(lrs(extra), lrs({}), JSON.stringify(extra));
  assert.not.equal(moms({ moms: [0.9, 0.8] }), moms({}));
});

test('tiny fits and extreme pctStart still give finite steps, beginning at lrMax / divFactor', () => {
  for (const defaults of ['fastai1', 'fastai2'] as const) {
    for (const totalSteps of [1, 2, 3]) {
      for (const pctStart of [0.01, 0.3, 0.99, 1]) {
        const { lr, beta1, end } = oneCycle({ totalSteps, lrMax: 0.01, defaults, pctStart });
        assert.ok([...lr, ...beta1, end.lr, end.beta1].every(Number.isFinite), `${defaults} ${totalSteps} ${pctStart}`);
        near(lr[0], 0.01 / 25, 'first lr');
      }
    }
  }
});

test('pctStart 0: fastai1 still rises for one step, fastai2 begins at the peak', () => {
  assert.is(oneCycle({ totalSteps: 10, lrMax: 0.01, pctStart: 0 }).lr[1], 0.01);
  assert.is(oneCycle({ totalSteps: 10, lrMax: 0.01, pctStart: 0, defaults: 'fastai2' }).lr[0], 0.01);
});

test('any one-cycle rises to its peak and falls after it, momentum mirrored, all within bounds', () => {
  const options = fc.record({
    totalSteps: fc.integer({ min: 1, max: 300 }),
    lrMax: fc.double({ min: 1e-6, max: 10, noNaN: true }),
    pctStart: fc.double({ min: 0, max: 1, noNaN: true }),
    defaults: fc.constantFrom('fastai1' as const, 'fastai2' as const),
  });
  fc.assert(
    fc.property(options, (o) => {
      const { lr, beta1 } = oneCycle(o);
      const slack = 1e-9 * o.lrMax;
      const peak = lr.indexOf(Math.max(...lr));
      for (let k = 1; k < lr.length; k++) {
        const rising = k <= peak;
        assert.ok(rising ? lr[k] >= lr[k - 1] - slack : lr[k] <= lr[k - 1] + slack, `lr at ${k}`);
        assert.ok(rising ? beta1[k] <= beta1[k - 1] + 1e-9 : beta1[k] >= beta1[k - 1] - 1e-9, `beta1 at ${k}`);
      }
      assert.ok(lr.every((x) => x > 0 && x <= o.lrMax + slack));
      assert.ok(beta1.every((x) => x >= 0.85 - 1e-9 && x <= 0.95 + 1e-9));
    }),
  );
});

test('constant repeats one rate, momentum 0.9 unless given', () => {
  const { lr, beta1, end } = constant({ totalSteps: 3, lr: 0.5 });
  assert.equal([...lr, ...beta1], [0.5, 0.5, 0.5, 0.9, 0.9, 0.9]);
  assert.equal(end, { lr: 0.5, beta1: 0.9 });
  assert.equal([...constant({ totalSteps: 2, lr: 1, beta1: 0 }).beta1], [0, 0]);
});

test("the sweep equals fastai's lr_find", () => {
  for (const trace of fixture('lr_find').traces) {
    const { lr, beta1 } = lrSweep({ startLr: trace.start_lr, endLr: trace.end_lr, numIt: trace.num_it });
    assert.is(lr.length, trace.num_it);
    trace.lr.forEach((expected: number, k: number) => near(lr[k], expected, `lr of step ${k}`));
    assert.ok(beta1.every((m) => m === trace.mom));
  }
});

test('the default sweep runs from 1e-7 towards 10 but never at 10', () => {
  const { lr, end } = lrSweep();
  assert.is(lr.length, 100);
  assert.is(lr[0], 1e-7);
  near(lr[99], 8.317637711026709, 'last lr');
  assert.equal(end, { lr: 10, beta1: 0.9 });
});

const refusals: [name: string, act: () => unknown][] = [
  ['totalSteps', () => oneCycle({ totalSteps: 0, lrMax: 1 })],
  ['totalSteps', () => oneCycle({ totalSteps: 2.5, lrMax: 1 })],
  ['totalSteps', () => oneCycle({ totalSteps: NaN, lrMax: 1 })],
  ['lrMax', () => oneCycle({ totalSteps: 9, lrMax: 0 })],
  ['lrMax', () => oneCycle({ totalSteps: 9, lrMax: Infinity })],
  ['divFactor', () => oneCycle({ totalSteps: 9, lrMax: 1, divFactor: -25 })],
  ['finalDiv', () => oneCycle({ totalSteps: 9, lrMax: 1, finalDiv: 0 })],
  ['pctStart', () => oneCycle({ totalSteps: 9, lrMax: 1, pctStart: 1.1 })],
  ['pctStart', () => oneCycle({ totalSteps: 9, lrMax: 1, pctStart: NaN })],
  ['moms\\[1\\]', () => oneCycle({ totalSteps: 9, lrMax: 1, moms: [0.95, 1] })],
  ['moms', () => oneCycle({ totalSteps: 9, lrMax: 1, moms: [0.95] as unknown as [number, number] })],
  ['defaults', () => oneCycle({ totalSteps: 9, lrMax: 1, defaults: 'v3' as 'fastai1' })],
  ['totalSteps', () => constant({ totalSteps: -1, lr: 1 })],
  ['lr', () => constant({ totalSteps: 1, lr: NaN })],
  ['beta1', () => constant({ totalSteps: 1, lr: 1, beta1: -0.1 })],
  ['startLr', () => lrSweep({ startLr: 0 })],
  ['endLr', () => lrSweep({ startLr: 1, endLr: 1 })],
  ['numIt', () => lrSweep({ numIt: 6 })],
  ['beta1', () => lrSweep({ beta1: 1 })],
];

test('bad arguments are refused by name', () => {
  for (const [name, act] of refusals) {
    assert.throws(act, (e: Error) => e instanceof RangeError && new RegExp(`^${name} .*\\.$`).test(e.message), act.toString());
  }
});

test('more steps than a schedule can hold are refused in a sentence, before anything is allocated for them', () => {
  const tooLong: [name: string, act: () => unknown][] = [
    ['totalSteps', () => oneCycle({ totalSteps: 5e10, lrMax: 1 })],
    ['totalSteps', () => constant({ totalSteps: 5e10, lr: 1 })],
  ];
  for (const [name, act] of tooLong) {
    assert.throws(act, (error: Error) => {
      assert.instance(error, RangeError);
      assert.is(
        error.message,
        `${name} is 50000000000, but a schedule holds at most 10000000 steps; split the training into several fits.`,
      );
      return true;
    });
  }
  assert.is(constant({ totalSteps: 10_000_000, lr: 1 }).lr.length, 10_000_000);
  assert.throws(() => constant({ totalSteps: 10_000_001, lr: 1 }), /at most 10000000 steps/);
  assert.throws(() => lrSweep({ numIt: 1_000_001 }), /^numIt must be a whole number from 7 to 1000000, not 1000001\.$/);
});

test('an option that does not exist is refused, with the one that was meant', () => {
  const misspelt: [act: () => unknown, message: RegExp][] = [
    [
      () => oneCycle({ totalSteps: 9, lrMax: 1, pct_start: 0.5 } as unknown as OneCycleOptions),
      /^oneCycle has no option 'pct_start'; did you mean pctStart\?$/,
    ],
    [() => constant({ totalSteps: 9, lr: 1, beta: 0.5 } as never), /^constant has no option 'beta'; did you mean beta1\?$/],
    [() => lrSweep({ numit: 9 } as never), /^lrSweep has no option 'numit'; did you mean numIt\?$/],
  ];
  for (const [act, message] of misspelt)
    assert.throws(act, (e: Error) => e instanceof TypeError && message.test(e.message), String(message));
});

test.run();
