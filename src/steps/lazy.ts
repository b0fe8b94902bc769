import { adam } from '../../shaders/ops/adam.js';
import { STEP_SIZE } from '../../shaders/ops/idle-adam.js';
import { sigmoidRange } from '../../shaders/ops/range.js';
import { LAZY_TOUCH_SIZE, lazyForward, lazyShares, lazySteps, lazyUpdate, type LazyVariant } from '../../shaders/train/lazy-step.wgsl.js';
import { lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import { RATING_SIZE } from '../../shaders/ops/structs.js';
import { BatchGrouper } from '../data/batches.js';
import { BatchLosses } from './batch-losses.js';
import { LazyChunk } from './lazy-chunk.js';
import type { StepperInput, Stepper } from './stepper.js';
import { StepTable } from './step-table.js';

/**
 * Steps that touch only the rows of the batch, with dense Adam's numbers: see shaders/lazy-step.wgsl.ts. Two dispatches
 * per step, or with `persistent` one for all steps of a chunk. A chunk begins with one that moves every row to its first
 * touch.
 */
export async function lazyStepper({ model, train, options, maxSteps }: StepperInput, persistent: boolean): Promise<Stepper> {
  if (options.optimizer !== adam)
    throw new RangeError(`The lazy stepper is Adam's; train with stepper 'dense' for ${options.optimizer.name}.`);
  const { gpu, layout, shape } = model;
  const { batchSize, loss, wd, wdBias, beta2, eps } = options;
  const [lo, hi] = options.yRange ?? [0, 1];
  // A software adapter runs an invocation per vector lane: fewer, longer ones. A GPU hides latency with many.
  const software = gpu.info.isFallbackAdapter;
  const workgroupSize = software ? 64 : Math.min(256, gpu.limits.maxComputeInvocationsPerWorkgroup);
  const variant: LazyVariant = {
    loss,
    range: sigmoidRange(options.yRange),
    bias: shape.bias,
    factorVecs: layout.factorVecs,
    ownBiasDecay: shape.bias && wd !== wdBias,
    wholeRow: software,
  };
  const shares = lazyShares(variant);
  const nRatings = batchSize * maxSteps;

  // Compiled before anything is allocated: a loss of the caller's may not compile.
  const [forwardPipeline, updatePipeline, loopPipeline] = await Promise.all([
    persistent ? undefined : gpu.compile(lazyForward(variant)),
    gpu.compile(lazyUpdate(variant)),
    persistent ? gpu.compile(lazySteps(variant, workgroupSize)) : undefined,
    gpu.compile(lossSums),
  ]);

  const chunk = new LazyChunk(layout, options, maxSteps);
  const steps = gpu.allocate('steps', 4 * STEP_SIZE * (maxSteps + 1));
  const ratings = gpu.allocate('ratings', 4 * RATING_SIZE * nRatings);
  const touches = gpu.allocate('touches', chunk.touches.byteLength);
  const members = gpu.allocate('members', 4 * 2 * nRatings);
  const outcomes = gpu.allocate('outcomes', 8 * nRatings);
  const buffers = { steps, ratings, touches, members, param: model.param, m: model.m, v: model.v, outcomes };
  const uniforms = { lossScale: 1 / batchSize, lo, hi, wd, wdBias, beta2, eps };
  const forward = forwardPipeline?.bind(buffers, uniforms);
  const update = updatePipeline.bind(buffers, uniforms);
  const loop = loopPipeline?.bind(buffers, { ...uniforms, batchSize });
  const batchLosses = await BatchLosses.create(gpu, outcomes, 2, batchSize, maxSteps);
  const bindings = [forward, update, loop];

  const grouper = new BatchGrouper(train, shape.nUsers, shape.nItems, batchSize, maxSteps);
  let table: StepTable;

  return {
    name: persistent ? 'persistent' : 'lazy',
    begin(schedule, stepCount) {
      table = new StepTable(schedule, options, stepCount);
    },
    run(order, batch, step, nSteps) {
      const batches = grouper.group(order, batch, nSteps);
      const { touchStart } = batches;
      chunk.build(batches, table, step);
      const nTouches = touchStart[nSteps];
      gpu.write(steps, table.slice(step, touchStart));
      gpu.write(ratings, batches.ratings);
      gpu.write(touches, chunk.touches.subarray(0, LAZY_TOUCH_SIZE * (nTouches + layout.nRows)));
      gpu.write(members, batches.members);

      const replay = Math.max(0, Math.min(table.replayEnd - step, nSteps));
      const recorder = gpu.record('lazy steps');
      // The touches that move every row to its first step come after those of all steps.
      recorder.dispatch(update, layout.nRows * shares, { step: 0, firstTouch: nTouches, nTouches: layout.nRows, replayEnd: replay });
      if (loop) recorder.dispatchGroups(loop, 1, { nSteps, replayEnd: replay });
      for (let s = 0; forward && s < nSteps; s++) {
        const touched = touchStart[s + 1] - touchStart[s];
        recorder.dispatch(forward, batchSize, { first: s * batchSize, nRatings: batchSize });
        recorder.dispatch(update, touched * shares, { step: s, firstTouch: touchStart[s], nTouches: touched, replayEnd: replay });
      }
      batchLosses.record(recorder, nSteps).submit();
    },
    readLosses: (nSteps) => batchLosses.read(nSteps),
    release() {
      batchLosses.release();
      bindings.forEach((binding) => binding?.release());
      gpu.release(steps, ratings, touches, members, outcomes);
    },
  };
}
