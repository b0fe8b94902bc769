import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identity, rangeOf } from '../../shaders/ops/range.js';
import { RowLayout } from '../../src/model/layout.js';
import { EmbeddingTables } from '../../src/model/tables.js';
import { ReferenceTrainer } from '../../src/reference/trainer.js';
import type { StepOptions } from '../../src/steps/stepper.js';
import { Validator } from '../../src/train/validator.js';
import { sharedGpu } from '../helpers/gpu.js';
import { cosine, logCosh, negativeSquaredDistance } from '../helpers/ops.js';
import { data } from '../helpers/short-run.js';
import { assertClose, randomTables, stepOptions } from '../helpers/training.js';

const gpu = await sharedGpu();

async function validate(options: Partial<StepOptions>, hasBias: boolean) {
  const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors: 7, hasBias };
  const tables = randomTables(shape, 3);
  const embeddings = new EmbeddingTables(gpu, shape);
  embeddings.writeTables(tables);
  const step = stepOptions(options);
  const validator = await Validator.create(embeddings, data.valid, step);
  const { valid: found, isFinite } = await validator.run();
  assert.ok(isFinite);
  validator.release();
  embeddings.release();
  return { found, step, reference: new ReferenceTrainer(shape, new RowLayout(shape).unpack(new RowLayout(shape).pack(tables)), step) };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

for (const [name, options, hasBias] of [
  ['mse', {}, true],
  ['no biases', {}, false],
  ['no range', { range: identity }, true],
  ['another range', { range: rangeOf([1, 4]) }, true],
  ['another loss', { loss: logCosh }, true],
  ['another score', { score: negativeSquaredDistance, range: identity }, true],
  ['a score of three sums', { score: cosine }, false],
] as const) {
  test(`the validator measures as the reference does: ${name}`, async () => {
    const { found, step, reference } = await validate(options, hasBias);
    const { users, items, ratings } = data.valid;
    const errors = Array.from(ratings, (y, k) => reference.predict(users[k], items[k]) - y);
    const mse = mean(errors.map((e) => e * e));
    const loss = mean(errors.map((e, k) => step.loss.value(e + ratings[k], ratings[k])));
    assertClose([found.loss, found.mse, found.rmse, found.mae], [loss, mse, Math.sqrt(mse), mean(errors.map(Math.abs))], 9e-7, 'error');
    assert.is(found.loss === found.mse, step.loss.name === 'mse');
  });
}

test('a number that is not finite is found without the ratings, in parameters and in the state of the optimiser', async () => {
  const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors: 7, hasBias: true };
  const embeddings = new EmbeddingTables(gpu, shape, { nState: 2 });
  const validator = await Validator.create(embeddings, data.valid, stepOptions());
  for (const [name, buffer] of embeddings.parts[0].arrays) {
    const last = buffer.size - 4;
    for (const [value, isFinite] of [
      [NaN, false],
      [-Infinity, false],
      [1, true],
    ] as const) {
      gpu.write(buffer, Float32Array.of(value), last);
      assert.is(await validator.isFinite(), isFinite, `${name}: ${value}`);
    }
  }
  validator.release();
  embeddings.release();
});

test('ratings of unknown users are measured by the mean user as the model is now, or by #na#', async () => {
  const shape = { nUsers: data.nUsers, nItems: data.nItems, nFactors: 7, hasBias: true };
  const embeddings = new EmbeddingTables(gpu, shape);
  const ratings = { ...data.valid, users: data.valid.users.map((user, k) => (k % 3 === 0 ? 0 : user)) };
  const step = stepOptions();
  const [byMean, byNa] = [await Validator.create(embeddings, ratings, step), await Validator.create(embeddings, ratings, step, 'na')];
  for (const seed of [3, 4]) {
    const tables = randomTables(shape, seed);
    embeddings.writeTables(tables);
    const before = await embeddings.readState();
    const measured = async (of: typeof tables) => {
      const reference = new ReferenceTrainer(shape, of, step);
      const errors = Array.from(ratings.ratings, (y, k) => reference.predict(ratings.users[k], ratings.items[k]) - y);
      return mean(errors.map((e) => e * e));
    };
    const average = (values: Float32Array, column: number, n: number) => {
      return mean(Array.from({ length: shape.nUsers - 1 }, (_, k) => values[(k + 1) * n + column]));
    };
    const userFactors = tables.userFactors.map((value, i) => (i < 7 ? average(tables.userFactors, i, 7) : value));
    const userBias = tables.userBias.map((value, i) => (i === 0 ? average(tables.userBias, 0, 1) : value));
    const [a, b] = [(await byMean.run()).valid.mse, (await byNa.run()).valid.mse];
    assertClose([a, b], [await measured({ ...tables, userFactors, userBias }), await measured(tables)], 1e-6, 'mse');
    assert.ok(a !== b);
    assert.equal(await embeddings.readState(), before);
  }
  for (const each of [byMean, byNa, embeddings]) each.release();
});

test('an empty validation set has no errors to speak of', async () => {
  const embeddings = new EmbeddingTables(gpu, { nUsers: 3, nItems: 4, nFactors: 2, hasBias: true });
  const none = { users: new Uint32Array(), items: new Uint32Array(), ratings: new Float32Array() };
  const validator = await Validator.create(embeddings, none, stepOptions());
  assert.equal(await validator.run(), { valid: { loss: NaN, mse: NaN, rmse: NaN, mae: NaN }, isFinite: true });
  validator.release();
  embeddings.release();
});

test('release gives the memory back, and does nothing a second time', async () => {
  const embeddings = new EmbeddingTables(gpu, { nUsers: data.nUsers, nItems: data.nItems, nFactors: 2, hasBias: true });
  const before = gpu.allocated;
  const validator = await Validator.create(embeddings, data.valid, stepOptions());
  assert.ok(gpu.allocated > before);
  validator.release();
  validator.release();
  assert.is(gpu.allocated, before);
  embeddings.release();
});

test.run();
