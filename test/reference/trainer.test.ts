import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { mse } from '../../shaders/ops/loss.js';
import { identity, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { ReferenceTrainer } from '../../src/reference/trainer.js';
import { RANGES, SCORES } from '../helpers/kernel-input.js';
import { logCosh } from '../helpers/ops.js';
import { randomRatings, randomTables } from '../helpers/training.js';

const shape = { nUsers: 4, nItems: 5, nFactors: 3, hasBias: true };
const { users, items, ratings } = randomRatings(shape, 12, 3);
const options = { score: dotProduct, range: sigmoidRange([0, 5.5]), loss: mse, optimizer: adam(), wd: 0.1, wdBias: 0.2 };

for (const hasBias of [true, false]) {
  for (const [score] of SCORES) {
    for (const [range, loss] of [
      [RANGES[0], mse],
      [RANGES[1], logCosh],
    ] as const) {
      const what = `${score.name}, ${range.name}, ${loss.name}, ${hasBias ? 'bias' : 'no bias'}`;
      test(`the gradient of the whole model is the slope of the loss: ${what}`, () => {
        const model = { ...shape, hasBias };
        const trainer = new ReferenceTrainer(model, randomTables(model, 1), { ...options, score, range, loss });
        const { grad } = trainer.gradient(users, items, ratings);
        assert.ok(grad.some((g) => Math.abs(g) > 0.01));
        const lossAt = (i: number, value: number) => {
          const before = trainer.param[i];
          trainer.param[i] = value;
          const { loss: result } = trainer.gradient(users, items, ratings);
          trainer.param[i] = before;
          return result;
        };
        const { rowStride, biasColumn } = trainer.layout;
        for (let i = 0; i < grad.length; i++) {
          if (i % rowStride >= shape.nFactors && i % rowStride !== biasColumn) continue; // padding
          const slope = (lossAt(i, trainer.param[i] + 1e-5) - lossAt(i, trainer.param[i] - 1e-5)) / 2e-5;
          assert.ok(Math.abs(grad[i] - slope) < 1e-8, `element ${i}: ${grad[i]}, slope ${slope}`);
        }
      });
    }
  }
}

test('a step returns the loss before it, and takes the gradient before the decay', () => {
  const trainer = new ReferenceTrainer(shape, randomTables(shape, 1), options);
  const before = trainer.param.slice();
  const { loss, grad } = trainer.gradient(users, items, ratings);
  assert.is(trainer.step(users, items, ratings, 0.1, 0.5), loss);
  assert.is(trainer.stepCount, 1);
  assert.equal(
    Array.from(trainer.m),
    Array.from(grad, (g) => 0.5 * g),
  );
  const { rowStride, biasColumn } = trainer.layout;
  before.forEach((p, i) => {
    const decay = i % rowStride >= biasColumn ? options.wdBias : options.wd;
    const g = grad[i];
    const wanted = p * (1 - 0.1 * decay) - (0.1 * g) / (Math.abs(g) + 1e-8);
    assert.ok(Math.abs(trainer.param[i] - wanted) < 1e-8, `element ${i}`);
  });
});

test('an optimiser keeps the state that it says, and counts its steps from 1', () => {
  const seen: number[] = [];
  const optimizer = sgd({ momentum: true });
  const counting = { ...optimizer, rate: (lr: number, beta1: number, t: number) => (seen.push(t), optimizer.rate(lr, beta1, t)) };
  const trainer = new ReferenceTrainer(shape, randomTables(shape, 1), { ...options, optimizer: counting });
  const { grad } = trainer.gradient(users, items, ratings);
  for (let step = 0; step < 3; step++) trainer.step(users, items, ratings, 0, 0.5);
  assert.equal(seen, [1, 2, 3]);
  // A rate of 0 leaves the gradient as it was: m = g (1 + 1/2 + 1/4).
  assert.ok(trainer.m.every((m, i) => Math.abs(m - 1.75 * grad[i]) < 1e-15));
  assert.ok(trainer.v.every((v) => v === 0));
});

test('predictions are the range of the score', () => {
  const trainer = new ReferenceTrainer(shape, randomTables(shape, 1), { ...options, range: identity });
  const ranged = new ReferenceTrainer(shape, randomTables(shape, 1), options);
  const z = trainer.predict(1, 2);
  assert.is(z, trainer.score(1, 2));
  assert.ok(Math.abs(ranged.predict(1, 2) - 5.5 / (1 + Math.exp(-z))) < 1e-15);
});

test.run();
