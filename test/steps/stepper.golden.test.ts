/** Every stepper against traces of fastai in float64. */
import { adam } from '../../shaders/ops/adam.js';
import { rangeOf } from '../../shaders/ops/range.js';
import { RowLayout, type Tables } from '../../src/model/layout.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Ratings } from '../../src/data/collab-data.js';
import { lrFinderResult } from '../../src/schedule/lr-finder.js';
import { ReferenceTrainer } from '../../src/reference/trainer.js';
import type { Schedule } from '../../src/schedule/schedule.js';
import { readFixture, ratingsOf, shapeOf, tablesOf } from '../helpers/fixtures.js';
import { sharedGpu } from '../helpers/gpu.js';
import { assertClose, type Outcome, STEPPERS, type Problem, stepOptions, trainOnGpu, trainReference } from '../helpers/training.js';

const gpu = await sharedGpu();

const inOrder =
  ({ ratings }: Ratings) =>
  () =>
    Uint32Array.from(ratings, (_, k) => k);

/** Solves a problem by the reference trainer and by every stepper, in chunks of several lengths. */
const solvers: [string, (problem: Problem) => Outcome | Promise<Outcome>][] = [
  ['reference trainer', trainReference],
  ...STEPPERS.flatMap((stepper) =>
    [7, 100].map((maxSteps): [string, (problem: Problem) => Promise<Outcome>] => [
      `${stepper}, ${maxSteps} steps at a time`,
      (problem) => trainOnGpu(gpu, problem, stepper, maxSteps),
    ]),
  ),
];

const schedule = (lr: number[], beta1: number[]): Schedule => ({
  lr: Float64Array.from(lr),
  beta1: Float64Array.from(beta1),
  end: { lr: lr.at(-1)!, beta1: beta1.at(-1)! },
});

const forwardBackward = readFixture('forward_backward.json');
for (const { y_range: yRange, pred, loss, grad } of forwardBackward.cases) {
  test(`predictions, loss and gradient of one batch, yRange ${JSON.stringify(yRange)}`, async () => {
    const { params, batch } = forwardBackward;
    const train = ratingsOf(forwardBackward);
    const shape = shapeOf(params);
    const options = stepOptions({ batchSize: batch, range: rangeOf(yRange), wd: 0, wdBias: 0 });
    const layout = new RowLayout(shape);
    const wanted = packed(layout, grad);
    const reference = new ReferenceTrainer(shape, tablesOf(params), options);
    const found = reference.gradient(train.users, train.items, train.ratings);
    assertClose(
      Array.from(train.users, (user, k) => reference.predict(user, train.items[k])),
      pred,
      1e-6,
      'prediction',
    );
    assertClose([found.loss], [loss], 1e-6, 'loss');
    assertClose(found.grad, wanted, 1e-6, 'gradient');
    // On the GPU the first step of Adam with momentum 0 leaves the gradient itself in m.
    const problem: Problem = { shape, train, tables: tablesOf(params), options, schedules: [schedule([1e-3], [0])], order: inOrder(train) };
    for (const stepper of STEPPERS) {
      const outcome = await trainOnGpu(gpu, problem, stepper, 1);
      assertClose(outcome.losses, [loss], 1e-6, `${stepper}: loss`);
      assertClose(outcome.m, wanted, 1e-6, `${stepper}: gradient`);
    }
  });
}

const train60 = readFixture('train60.json');
for (const run of train60.runs) {
  for (const [name, solve] of solvers) {
    test(`60 steps of fastai ${run.recipe}: ${name}`, async () => {
      const train = ratingsOf(train60);
      const shape = shapeOf(train60.init_params);
      const outcome = await solve({
        shape,
        train,
        tables: tablesOf(train60.init_params),
        order: inOrder(train),
        schedules: [schedule(run.lr, run.mom)],
        options: stepOptions({ range: rangeOf(run.y_range), wd: run.wd, wdBias: run.wd, optimizer: adam(run) }),
      });
      const layout = new RowLayout(shape);
      assertClose(outcome.losses, run.loss, 1e-5, 'loss');
      assertClose(outcome.param, packed(layout, run.final_params), 1e-5, 'param');
      assertClose(outcome.m, packed(layout, run.final_m), 1e-6, 'm');
      assertClose(outcome.v, packed(layout, run.final_v), 1e-6, 'v');
    });
  }
}

const lrFind = readFixture('lr_find.json');
for (const trace of lrFind.traces) {
  for (const [name, solve] of solvers) {
    test(`LR sweep of fastai ${trace.recipe}, yRange ${JSON.stringify(trace.y_range)}: ${name}`, async () => {
      const all = ratingsOf(lrFind);
      const n = trace.n_batches_run * lrFind.batch;
      const train = { users: all.users.subarray(0, n), items: all.items.subarray(0, n), ratings: all.ratings.subarray(0, n) };
      const { losses } = await solve({
        shape: shapeOf(lrFind.init_params),
        train,
        tables: tablesOf(lrFind.init_params),
        order: inOrder(train),
        schedules: [
          schedule(
            trace.lr,
            trace.lr.map(() => trace.mom),
          ),
        ],
        options: stepOptions({ range: rangeOf(trace.y_range), wd: trace.wd, wdBias: trace.wd, optimizer: adam(trace) }),
      });
      // Beyond a rate of 1 each step throws the parameters about, and no two precisions stay together.
      const calm = trace.lr.filter((lr: number) => lr < 1).length;
      assertClose(Array.from(losses).slice(0, calm), trace.loss.slice(0, calm), 1e-5, 'loss');
      assertClose(losses, trace.loss, 0.1, 'loss');
      const found = lrFinderResult(Float64Array.from(trace.lr), losses, { numIt: trace.num_it, beforeValley: true });
      const { v2, v1_default: v1 } = trace.suggestions;
      assert.is(found.losses.length, trace.n_batches_run);
      assert.is(found.stopped, trace.reason === 'diverged' ? 'diverged' : 'finished');
      assertClose(
        [found.valley, found.steep, found.slide, found.minimum, found.minGradient],
        [v2.valley_lr, v2.steep_lr, v2.slide_lr, v2.minimum_lr_div10, v1.min_grad_lr],
        1e-12,
        'suggestion',
        0,
      );
    });
  }
}

/** Tables of a trace in the packed layout. */
function packed(layout: RowLayout, tables: Parameters<typeof tablesOf>[0]): Float32Array {
  return layout.pack(tablesOf(tables) satisfies Tables);
}

test.run();
