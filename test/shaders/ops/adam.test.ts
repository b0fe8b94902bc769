import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam, rateOf } from '../../../shaders/ops/adam.js';

test("update is fastai's Adam, written out", () => {
  const [lr, beta1, beta2, eps, wd, t] = [0.03, 0.87, 0.99, 1e-5, 0.2, 4];
  for (const [p, m, v, g] of [
    [1, 0, 0, 0.5],
    [-0.3, 0.02, 0.01, -0.7],
    [2, 0.1, 0.02, 0],
  ]) {
    let wanted = p * (1 - lr * wd);
    const m1 = beta1 * m + (1 - beta1) * g;
    const v1 = beta2 * v + (1 - beta2) * g ** 2;
    wanted -= ((lr / (1 - beta1 ** t)) * m1) / (Math.sqrt(v1 / (1 - beta2 ** t)) + eps);
    const found = adam.update(p, m, v, g, rateOf(lr, beta1, beta2, t), wd, beta2, eps);
    [wanted, m1, v1].forEach((each, i) =>
      assert.ok(Math.abs(found[i] - each) < 1e-15 + 1e-14 * Math.abs(each), `${i}: ${found[i]}, not ${each}`),
    );
  }
});

test('the first step moves by the learning rate, whatever the gradient', () => {
  for (const g of [1e-3, -5, 70]) {
    const [p] = adam.update(0, 0, 0, g, rateOf(0.01, 0.9, 0.99, 1), 0, 0.99, 1e-12);
    assert.ok(Math.abs(p + 0.01 * Math.sign(g)) < 1e-10);
  }
});

test('a parameter without a gradient decays', () => {
  const [p, m, v] = adam.update(2, 0, 0, 0, rateOf(0.1, 0.9, 0.99, 9), 0.5, 0.99, 1e-8);
  assert.equal([p, m, v], [2 * (1 - 0.05), 0, 0]);
});

test.run();
