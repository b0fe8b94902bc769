import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compareBeginnings, compareResults, type ComparedPart, isReproduced, verdict } from '../../../src/cli/print/reproduction.js';
import { encodeLosses, type TrainReport } from '../../../src/cli/print/train-report.js';

const test = suite('reproduction');

function report({
  losses = [3, 2, 1],
  validLosses = [2, 1],
  ...rest
}: Record<string, unknown> & { losses?: number[]; validLosses?: (number | null)[] } = {}) {
  return {
    version: '1.0.0',
    runtime: 'Node v20',
    math: 'aa',
    device: { name: 'gpu', description: 'GPU 1', backend: 'vulkan' },
    data: { nTrain: 9, nValid: 1, fingerprint: 'dd' },
    settings: { learner: { seed: 1, stepper: 'lazy', ratings: 'dd', lossWgsl: 'ff' }, fit: { epochs: 2 } },
    model: { parameters: 'pp', sha256: 'ss' },
    epochs: validLosses.map((validLoss) => ({ validLoss })),
    losses: encodeLosses(losses),
    ...rest,
  } as unknown as TrainReport;
}

const compare = (then: TrainReport, now: TrainReport) => [...compareBeginnings(then, now), ...compareResults(then, now)];
/** The parts that are not the same. */
const others = (parts: ComparedPart[]) => parts.filter(({ isSame }) => isSame !== true);

test('a run is the same as itself', () => {
  const parts = compare(report(), report());
  assert.equal(others(parts), []);
  assert.ok(isReproduced(parts));
  assert.is(verdict(parts), 'Reproduced: all losses are the same, bit for bit, and so is the model.');
});

test('the first loss that differs is named, and the largest difference', () => {
  const parts = compare(report(), report({ losses: [3, 2.5, 0.25] }));
  const [{ part, says }] = others(parts);
  assert.is(part, 'losses');
  assert.is(says, 'step 1 is the first that differs, 2 then and 2.5 now; 2 differ, at most by 0.75 at step 2; 3 steps');
  assert.is(verdict(parts), 'Not reproduced; different: losses.');
});

test('fewer or more losses are not the same, nor are other bits of one number', () => {
  assert.is(others(compare(report(), report({ losses: [3, 2] })))[0].says, '3 steps then, 2 now');
  assert.not.ok(isReproduced(compare(report({ losses: [0] }), report({ losses: [-0] }))));
  assert.ok(isReproduced(compare(report({ losses: [NaN] }), report({ losses: [NaN] }))));
});

test('what explains a difference decides nothing; data, settings, losses, validation and model do', () => {
  const explaining = compare(
    report(),
    report({
      version: '2',
      math: 'bb',
      device: { name: 'other' },
      settings: { learner: { ...report().settings.learner, lossWgsl: 'gg' }, fit: { epochs: 2 } },
    }),
  );
  assert.equal(
    others(explaining).map(({ part }) => part),
    ['version', 'engine', 'adapter', 'kernels'],
  );
  assert.ok(isReproduced(explaining));
  for (const [part, now] of [
    ['data', { data: { ...report().data, fingerprint: 'ee' } }],
    ['settings', { settings: { learner: { ...report().settings.learner, seed: 2 }, fit: { epochs: 2 } } }],
    ['validation', { validLosses: [2, 1.5] }],
    ['parameters', { model: { parameters: 'qq', sha256: 'ss' } }],
    ['model file', { model: { parameters: 'pp', sha256: 'tt' } }],
  ] as [string, Record<string, unknown>][]) {
    const parts = compare(report(), report(now));
    assert.equal(
      others(parts).map((each) => each.part),
      [part],
    );
    assert.not.ok(isReproduced(parts), part);
  }
  assert.match(others(compare(report(), report({ settings: { learner: { seed: 2 }, fit: {} } })))[0].says, /seed then 1, now 2/);
});

test('a report without a model, or without validation ratings, is compared in the rest', () => {
  const parts = compare(report({ model: undefined, validLosses: [null, null] }), report({ validLosses: [NaN, NaN] as number[] }));
  assert.equal(
    others(parts).map(({ part }) => part),
    ['model'],
  );
  assert.match(verdict(parts), /^Reproduced: .*; which model it had, the report does not say\.$/);
});

test.run();
