import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { sigmoidRange } from '../../shaders/ops/range.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { DataError } from '../../src/base/errors.js';
import { CollabData } from '../../src/data/collab-data.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { checkLearnerOptions, type LearnerOptions } from '../../src/train/options.js';
import { cosine, logCosh, negativeSquaredDistance, rmsProp } from '../helpers/ops.js';
import { assertRefused } from '../helpers/refusal.js';
import { data, run } from '../helpers/short-run.js';
import { randomTables, sameBits } from '../helpers/training.js';

const test = suite('options');
const noDevice = () => Promise.reject(new Error('a device was opened'));

const refused: [options: object, message: RegExp, type?: typeof TypeError][] = [
  [{ nFactors: 0 }, /^nFactors must be a whole number from 1 to 65536, not 0\.$/],
  [{ nFactors: 2.5 }, /nFactors .* not 2\.5/],
  [{ nFactors: 1e9 }, /nFactors .* not 1000000000/],
  [{ yRange: [5, 0] }, /yRange must be two finite numbers, lo < hi, not \[5, 0\]/],
  [{ yRange: [0, NaN] }, /yRange .* \[0, NaN\]/],
  [{ yRange: 5 }, /yRange .* not 5/],
  [{ bias: 'yes' }, /bias must be true or false, not 'yes'/],
  [{ wd: -1 }, /wd must be a number of at least 0, not -1/],
  [{ wdBias: Infinity }, /wdBias must be a number of at least 0, not Infinity/],
  [{ beta2: 1 }, /beta2 must lie in \(0, 1\), not 1/],
  [{ eps: 0 }, /eps must lie in \[1e-12, 1\), not 0/],
  [{ unknownUser: 'error' as never }, /unknownUser must be 'mean' or 'na', not 'error'/],
  [{ defaults: 'fastai3' }, /defaults must be 'fastai1' or 'fastai2', not 'fastai3'/],
  [{ seed: 1.5 }, /seed must be a whole number from 0 to 4294967295, not 1\.5/],
  [{ seed: NaN }, /seed .* not NaN/],
  [{ seed: -1 }, /seed .* not -1/],
  [{ seed: 2 ** 32 }, /seed .* not 4294967296/],
  [{ optimizer: { ...rmsProp, nState: 3 } }, /rmsProp keeps 3 numbers for each parameter, .* at most 2/],
  [{ optimizer: adam }, /The optimiser adam must have the text wgsl and the functions update and rate/, TypeError],
  [
    { optimizer: adam(), beta2: 0.9 },
    /beta2 is a constant of the default optimiser: give it to yours, such as adam\(\{ beta2 \}\)/,
    TypeError,
  ],
  [{ optimizer: sgd(), eps: 1e-5 }, /eps is a constant of the default optimiser/, TypeError],
  [{ range: sigmoidRange([0, 5]), yRange: [0, 5] }, /either yRange, .* or a range op of your own, not both/, TypeError],
  [{ range: sigmoidRange([0, 5]), yRange: null }, /not both/, TypeError],
  [{ n_factors: 5 }, /collabLearner has no option 'n_factors'; did you mean nFactors\?/, TypeError],
  [{ yrange: [0, 5] }, /no option 'yrange'; did you mean yRange\?/, TypeError],
  [{ optimiser: adam() }, /no option 'optimiser'; did you mean optimizer\?/, TypeError],
  [{ recipe: 'fastai2' }, /no option 'recipe'; it has nFactors, yRange, .*gpu\.$/, TypeError],
  [{ stepper: 'lasy' }, /^stepper must be 'auto', 'unfused', 'dense', 'lazy' or 'persistent', not 'lasy'\.$/],
  [{ stepsPerSubmission: 0 }, /^stepsPerSubmission must be a whole number of at least 1, not 0\.$/],
  [{ stepsPerSubmission: 2.5 }, /^stepsPerSubmission must be .* not 2\.5\.$/],
  [{ batches: 'gpu' }, /^batches must be 'device' or 'host', not 'gpu'\.$/],
  [{ stepper: 'dense', batches: 'device' }, /^Only lazy and persistent steps can have their batches made on the device, not dense\.$/],
  [{ order: () => new Uint32Array(1), batches: 'device' }, /^The device makes batches of its own order only: give no order,/],
  [{ stepper: null }, /^stepper must be 'auto'.* not null\.$/],
  [{ stepper: {} }, /a StepperFactory, with a name and create/, TypeError],
  [{ loss: 'mse' }, /^loss must be an op, .* not 'mse'\.$/, TypeError],
  [{ score: {} }, /^score must be an op/, TypeError],
  [{ optimizer: 'adam' }, /^The optimiser .* must have/, TypeError],
  [{ kernels: {} }, /no option 'kernels'/, TypeError],
];
for (const [options, message, type = RangeError] of refused) {
  const [name, value] = Object.entries(options).at(-1)!;
  const shown = (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, 20);
  test(`${name} ${shown} is refused before a device is opened`, () =>
    assertRefused(() => collabLearner(data, options, noDevice), message, type as never));
}

test('options that are undefined are as if they were not given', () => {
  const names = [
    'nFactors',
    'yRange',
    'wd',
    'beta2',
    'eps',
    'optimizer',
    'range',
    'score',
    'loss',
    'seed',
    'stepper',
    'batches',
    'gpu',
    'unknownUser',
  ];
  const { step, ...rest } = checkLearnerOptions(data, Object.fromEntries(names.map((name) => [name, undefined])));
  assert.equal(rest, { nFactors: 50, hasBias: true, defaults: 'fastai1', unknownUser: 'mean', seed: data.seed, notes: [] });
  const { score, range, loss, optimizer, ...numbers } = step;
  assert.equal(
    [score, range, loss, optimizer].map(({ name }) => name),
    ['dotProduct', 'sigmoidRange', 'mse', 'adam'],
  );
  assert.equal(range.bounds, [0, 5.5]);
  assert.equal(numbers, { batchSize: data.batchSize, wd: 0.01, wdBias: 0.01 });
});

test('the range of predictions follows from the training ratings, unless it is given; null is none', () => {
  const ten = CollabData.fromRows(
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, -90].map((y, k) => [1 + (k % 2), y < 0 ? 9 : y, y]),
    { validIndex: [11], batchSize: 1 },
  );
  const checked = (options: LearnerOptions) => checkLearnerOptions(ten, options);
  const bounds = (options: LearnerOptions) => checked(options).step.range.bounds;
  assert.equal([bounds({}), bounds({ yRange: [0, 12] }), bounds({ yRange: null })], [[-1, 11], [0, 12], null]);
  assert.match(
    checked({}).notes.join(),
    /^1 of 1 validation ratings lies outside .*, -1 to 11, which follows from the training .* -90 \(once\)\.$/,
  );
  assert.match(
    checked({ yRange: [0, 5.5] }).notes.join(),
    /^5 of 11 training ratings and 1 of 1 validation ratings lie outside .*, 0 to 5\.5, so/,
  );
  assert.equal(checked({ yRange: null }).notes, []);
  const far = CollabData.fromRows(
    [
      [1, 1, -3e38],
      [1, 2, 3e38],
    ],
    { validPct: 0, batchSize: 1 },
  );
  assertRefused(() => checkLearnerOptions(far, {}), /^No range of predictions/, DataError);
  assert.is(checkLearnerOptions(far, { yRange: null }).step.range.bounds, null);
});

test("the defaults decide Adam's eps, and wd that of the biases, unless these are given", () => {
  const constants = (options: LearnerOptions) => checkLearnerOptions(data, options).step.optimizer.uniforms;
  assert.equal(constants({}), { beta2: 0.99, eps: 1e-8 });
  assert.equal(constants({ defaults: 'fastai2' }), { beta2: 0.99, eps: 1e-5 });
  assert.equal(constants({ defaults: 'fastai2', eps: 1e-6, beta2: 0.9 }), { beta2: 0.9, eps: 1e-6 });
  assert.is(checkLearnerOptions(data, { wd: 0.3 }).step.wdBias, 0.3);
  assert.is(checkLearnerOptions(data, { wd: 0.3, wdBias: 0 }).step.wdBias, 0);
});

const baseline = await run();
const reversed = Uint32Array.from({ length: data.nTrain }, (_, k) => data.nTrain - 1 - k);
const init = randomTables({ nUsers: data.nUsers, nItems: data.nItems, nFactors: 8, hasBias: true }, 1);
const changes: Record<string, LearnerOptions> = {
  nFactors: { nFactors: 9 },
  yRange: { yRange: [0, 5] },
  'no yRange': { yRange: null },
  range: { yRange: undefined, range: sigmoidRange([0, 6]) },
  wd: { wd: 0.2 },
  wdBias: { wdBias: 0 },
  bias: { bias: false },
  defaults: { defaults: 'fastai2' },
  eps: { eps: 1e-3 },
  beta2: { beta2: 0.999 },
  seed: { seed: 6 },
  init: { init },
  order: { order: () => reversed },
  loss: { loss: logCosh },
  optimizer: { optimizer: sgd() },
  'an optimizer with momentum': { optimizer: sgd({ momentum: true }) },
  score: { score: negativeSquaredDistance },
  'a score of three sums': { score: cosine },
};
const outcomes = new Map<string, number[]>([['nothing', baseline]]);
for (const [name, options] of Object.entries(changes)) {
  test(`option ${name} changes the result, and as no other does`, async () => {
    const changed = await run(options);
    assert.ok(changed.every(Number.isFinite));
    for (const [other, outcome] of outcomes) assert.not(sameBits(changed, outcome), `as ${other}`);
    outcomes.set(name, changed);
  });
}

test('the usual parts may be given by name of their ops', async () => {
  const given = { yRange: undefined, range: sigmoidRange([0, 5.5]), optimizer: adam({ beta2: 0.99, eps: 1e-8 }) };
  assert.ok(sameBits(await run(given), baseline));
});

test('the defaults alone, on the same schedule, change eps', async () => {
  const constant = (learn: CollabLearner) => learn.fit(1, 0.01);
  const [one, two] = [await run({ eps: 1e-5 }, constant), await run({ defaults: 'fastai2' }, constant)];
  assert.ok(sameBits(one, two));
  assert.not(sameBits(one, await run({}, constant)));
});

test('the seed decides starting values and order, each', async () => {
  assert.not(sameBits(await run({ init }), await run({ init, seed: 6 })));
  const order = () => reversed;
  assert.not(sameBits(await run({ order }), await run({ order, seed: 6 })));
  assert.ok(sameBits(await run({ init, order }), await run({ init, order, seed: 6 })));
});

test.run();
