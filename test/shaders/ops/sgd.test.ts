import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sgd } from '../../../shaders/ops/sgd.js';
import { constant, lrSweep } from '../../../src/schedule/schedule.js';
import { assertClose } from '../../helpers/training.js';

test('a step goes down the gradient after the decay, and keeps nothing', () => {
  const { update, rate, nState } = sgd();
  assert.is(nState, 0);
  for (const m of [0, 7]) {
    const [p] = update(2, m, 5, -3, rate(0.1, 0.9, 4), 0.5);
    assertClose([p], [2 * (1 - 0.05) + 0.3], 1e-15, 'p');
  }
});

test('momentum keeps beta1 of the last step', () => {
  const { update, rate, nState } = sgd({ momentum: true });
  assert.is(nState, 1);
  const [p, m] = update(2, 0.5, 0, -3, rate(0.1, 0.9, 4), 0.5);
  assertClose([p, m], [2 * (1 - 0.05) - 0.1 * (0.45 - 3), 0.45 - 3], 1e-15, 'p, m');
});

test('without momentum an idle row only decays', () => {
  const { idle } = sgd();
  const { rows, validFrom } = idle!.table(constant({ totalSteps: 9, lr: 0.1 }), { wd: 0.5, stepCount: 0 });
  assert.is(validFrom, 0);
  assert.ok(rows(0, 10)['q'].every((q) => q === 0));
  const none = { q: [0] };
  assert.is(idle!.advance([2, 0, 0], { wdDecay: 0.25, decays: [0], before: none, after: none })[0], 0.5);
});

test('after the last step nothing is left to come, and the last step alone is left before it', () => {
  const { rows } = sgd({ momentum: true }).idle!.table(constant({ totalSteps: 3, lr: 0.1, beta1: 0.8 }), { wd: 0, stepCount: 0 });
  const { q } = rows(0, 4);
  assert.is(q.length, 4);
  assert.is(q[3], 0);
  assertClose(q.subarray(0, 3), [0.08 + 0.8 * (0.08 + 0.8 * 0.08), 0.08 + 0.8 * 0.08, 0.08], 1e-15, 'q');
});

test('a sweep whose rates grow faster than the momentum fades makes its idle steps one by one', () => {
  const schedule = lrSweep({ startLr: 1e-7, endLr: 10, numIt: 100 });
  const validFrom = (momentum: boolean) => sgd({ momentum }).idle!.table(schedule, { wd: 0.1, stepCount: 0 }).validFrom;
  assert.ok(validFrom(true) > 50, `trusted from step ${validFrom(true)}`);
  assert.is(validFrom(false), 0);
});

test.run();
