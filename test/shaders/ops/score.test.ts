/** What every score must do, and what a kernel makes of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dotProduct, scoreSumType } from '../../../shaders/ops/score.js';
import { randomFloats, SCORES } from '../../helpers/kernel-input.js';
import { assertClose } from '../../helpers/training.js';

for (const [score] of SCORES) {
  test(`the gradient is the slope: ${score.name}`, () => {
    const [user, item] = [randomFloats(5, 1), randomFloats(5, 2)];
    const grads = score.grad(user, item);
    [user, item].forEach((side, s) => {
      const slopes = Array.from(side, (value, f) => {
        const at = (x: number) => {
          const moved = [user, item].map((vector) => vector.slice());
          moved[s][f] = x;
          return score.value(moved[0], moved[1]);
        };
        return (at(value + 1e-5) - at(value - 1e-5)) / 2e-5;
      });
      assertClose(grads[s], slopes, 1e-9, ['user', 'item'][s]);
    });
  });

  test(`zeros at the end add nothing and have no gradient: ${score.name}`, () => {
    const [user, item] = [randomFloats(5, 1), randomFloats(5, 2)];
    const padded = [user, item].map((vector) => Float64Array.of(...vector, 0, 0, 0));
    assert.is(score.value(padded[0], padded[1]), score.value(user, item));
    const grads = score.grad(padded[0], padded[1]);
    score.grad(user, item).forEach((grad, s) => assert.equal(grads[s], [...grad, 0, 0, 0]));
  });
}

test('only the dot product says that it is one', () => {
  assert.equal(
    SCORES.filter(([{ isDotProduct }]) => isDotProduct).map(([score]) => score),
    [dotProduct],
  );
  assert.is(dotProduct.value([1, 2, 3], [4, -5, 6]), 12);
});

test('a sum is a float unless a score says otherwise', () => {
  assert.equal(
    SCORES.map(([score]) => scoreSumType(score).trim()),
    ['alias ScoreSum = f32;', 'alias ScoreSum = f32;', 'alias ScoreSum = vec3f;'],
  );
});

test.run();
