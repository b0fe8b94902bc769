// Parts of the caller's own, through the public API: what they train, predict and recommend is what their twins say.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  adam,
  type CollabLearner,
  type CollabModel,
  encodeModel,
  FileFormatError,
  identity,
  type LearnerOptions,
  loadModel,
  mse,
  type OptimizerOp,
  RowLayout,
  sgd,
} from '../../src/index.js';
import { ReferenceTrainer } from '../../src/reference/trainer.js';
import { sharedGpu } from '../helpers/gpu.js';
import { cosine, logCosh, negativeSquaredDistance, rmsProp, softplusAbove } from '../helpers/ops.js';
import { assertRefused } from '../helpers/refusal.js';
import { data, makeLearner, outcomeOf } from '../helpers/short-run.js';
import { assertClose, sameBits, STEPPERS } from '../helpers/training.js';

const test = suite('parts');
const gpu = await sharedGpu();

/** Trains one epoch at a constant rate, on the device and by the twins in float64, and compares. */
async function assertTrainsAsTwins(options: LearnerOptions, what: string, tolerance = { losses: 5e-6, param: 5e-6 }): Promise<void> {
  const learn = await makeLearner(options);
  const layout = new RowLayout(learn.embeddings.shape);
  const reference = new ReferenceTrainer(learn.embeddings.shape, await learn.tables(), learn.trainer.options);
  await learn.fit(1, 0.01);
  const { users, items, ratings } = data.train;
  const order = learn.trainer.order(0);
  const losses = learn.history.losses.map((_, step) => {
    const batch = Array.from(order.subarray(32 * step, 32 * step + 32));
    const take = (column: ArrayLike<number>) => batch.map((row) => column[row]);
    return reference.step(take(users), take(items), take(ratings), 0.01, 0.9);
  });
  assertClose(learn.history.losses, losses, tolerance.losses, `${what}: losses`);
  assertClose(layout.pack(await learn.tables()), reference.param, tolerance.param, `${what}: param`);
  learn.release();
}

const parts: Record<string, LearnerOptions> = {
  'a score': { score: negativeSquaredDistance },
  'a score of three sums without biases': { score: cosine, bias: false },
  'a range with a constant': { yRange: undefined, range: softplusAbove(0.5) },
  'a loss': { loss: logCosh },
  'an optimiser that is lazy': { optimizer: sgd({ momentum: true }), wdBias: 0 },
  'all parts at once': {
    score: cosine,
    yRange: undefined,
    range: softplusAbove(0.5),
    loss: logCosh,
    optimizer: { ...sgd(), name: 'mine' },
  },
};
for (const [what, options] of Object.entries(parts)) {
  for (const stepper of STEPPERS) {
    test(`${what} of the caller trains as its twins do (${stepper})`, () =>
      assertTrainsAsTwins({ ...options, stepper }, what, { losses: 5e-6, param: what === 'a range with a constant' ? 3e-5 : 5e-6 }));
  }
}
test('an optimiser without a closed form trains as its twin does', () =>
  assertTrainsAsTwins({ optimizer: rmsProp }, 'rmsProp', { losses: 1e-5, param: 2e-4 }));

/** What the twins make of the tables, in float64. */
async function hostPredictions(model: CollabModel, users: ArrayLike<number>, items: ArrayLike<number>): Promise<number[]> {
  const { score, range } = model.info;
  const { nFactors } = model.embeddings.shape;
  const { userFactors, itemFactors, userBias, itemBias } = await model.tables();
  const row = (table: Float32Array, k: number) => table.subarray(k * nFactors, (k + 1) * nFactors);
  return Array.from(users, (u, k) => {
    const i = items[k];
    return range.value(score.value(row(userFactors, u), row(itemFactors, i)) + userBias[u] + itemBias[i]);
  });
}

const ops = {
  'a score': { score: negativeSquaredDistance },
  'a score of three sums': { score: cosine },
  'a range': { range: softplusAbove(0.5) },
  'a score and a range': { score: negativeSquaredDistance, range: softplusAbove(0.5) },
};
for (const [what, own] of Object.entries(ops)) {
  const trained = async () => {
    const learn = await makeLearner({ ...('range' in own && { yRange: undefined }), ...own });
    await learn.fitOneCycle(2, 0.02);
    return learn;
  };

  test(`with ${what} of the caller, predict and validate are what the twins make of the tables`, async () => {
    const learn = await trained();
    const { users, items, ratings } = data.valid;
    const wanted = await hostPredictions(learn, users, items);
    assertClose(await learn.predictRows(users, items), wanted, 2e-6, 'predictions');
    const found = await learn.validate();
    const mean = (of: (error: number) => number) => wanted.reduce((sum, yHat, k) => sum + of(yHat - ratings[k]), 0) / wanted.length;
    assertClose([found.mse, found.mae], [mean((e) => e * e), mean(Math.abs)], 9e-7, 'errors');
    learn.release();
  });

  test(`with ${what} of the caller, recommend is a sort of predict`, async () => {
    const learn = await trained();
    await assertRecommendsBest(learn);
    learn.release();
  });

  test(`a model with ${what} of the caller is saved by name, and loaded only with that op and its constants`, async () => {
    const learn = await trained();
    const bytes = await encodeModel(learn);
    const before = gpu.allocated;
    const load = (given: object) => loadModel(bytes, { gpu, ...given });
    const [kind, op] = Object.entries(own)[0] as ['score' | 'range', { name: string }];
    const needs = new RegExp(`^Not a usable model file: its ${kind} is "${op.name}", which is none of ours: load it with \\{ ${kind} \\}`);
    await assertRefused(() => load({}), needs, FileFormatError);
    const other = kind === 'score' ? { ...negativeSquaredDistance, name: 'other' } : { ...identity, name: 'other' };
    await assertRefused(
      () => load({ ...own, [kind]: other }),
      new RegExp(`its ${kind} is "${op.name}", but the op given is "other"`),
      FileFormatError,
    );
    const changed = { ...op, uniforms: { above: 0.25 } };
    await assertRefused(
      () => load({ ...own, [kind]: changed }),
      new RegExp(`the constant above of its ${kind} is .*, but that of the op is 0\\.25`),
      FileFormatError,
    );
    assert.is(gpu.allocated, before);
    const loaded = await load(own);
    const { users, items } = data.valid;
    assert.ok(sameBits(await loaded.predictRows(users, items), await learn.predictRows(users, items)));
    assert.equal(await loaded.recommend(1, 5), await learn.recommend(1, 5));
    loaded.release();
    learn.release();
  });
}

async function assertRecommendsBest(learn: CollabLearner): Promise<void> {
  const user = data.users.idOf(3);
  const rated = new Set([data.train, data.valid].flatMap(({ users, items }) => Array.from(items).filter((_, k) => users[k] === 3)));
  const left = Array.from({ length: data.nItems - 1 }, (_, k) => k + 1).filter((row) => !rated.has(row));
  const predicted = await learn.predictRows(new Uint32Array(left.length).fill(3), left);
  const list = await learn.recommend(user, data.nItems);
  assert.is(list.length, left.length);
  const at = new Map(left.map((row, k) => [data.items.idOf(row), predicted[k]]));
  list.forEach(({ item, prediction }) => assertClose([prediction], [at.get(item)!], 2e-6, 'prediction'));
  const sorted = Array.from(predicted).sort((a, b) => b - a);
  assertClose(
    list.map(({ item }) => at.get(item)!),
    sorted,
    2e-6,
    'place',
  ); // what differs by rounding may change places
}

test('new users cannot be folded into a model whose score is no dot product, and are told why', async () => {
  const learn = await makeLearner({ score: cosine });
  const message = /^New users cannot be folded in: that needs a dot product, and this model's score is 'cosine'\.$/;
  await assertRefused(() => learn.foldIn([[data.items.idOf(1), 3]]), message, TypeError);
  await assertRefused(() => learn.foldInAll([[[data.items.idOf(1), 3]]]), message, TypeError);
  learn.release();
  const ranged = await makeLearner({ yRange: undefined, range: softplusAbove(0.5) });
  const user = await ranged.foldIn([[data.items.idOf(1), 3]]);
  assert.ok((await user.predict([data.items.idOf(2)]))[0] > 0.5, 'with a range of the caller they can');
  ranged.release();
});

test('an optimiser is lazy by its closed form, not by its name: a renamed adam gives the bits of adam', async () => {
  const mine: OptimizerOp = { ...adam(), name: 'mine' };
  const [renamed, usual] = [await makeLearner({ optimizer: mine }), await makeLearner()];
  assert.equal([renamed.trainer.stepper.name, renamed.stepping.isFallback], ['lazy', false]);
  await renamed.fitOneCycle(1, 0.01);
  await usual.fitOneCycle(1, 0.01);
  assert.ok(sameBits(await outcomeOf(renamed), await outcomeOf(usual)));
});

test('two parts whose constants have one name are refused by both names', async () => {
  const loss = { ...mse, name: 'mine', uniforms: { lo: 1 } };
  await assertRefused(() => makeLearner({ loss }), /(mine|sigmoidRange) and (mine|sigmoidRange) both have a uniform 'lo'; rename one\.$/);
});

test.run();
