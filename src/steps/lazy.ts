import { LazyRating, LazyTouch, outcomeStruct, stepStruct } from '../../shaders/ops/structs.js';
import { lazyForward, lazyShares, lazySteps, lazyUpdate, type LazyVariant } from '../../shaders/train/lazy-step.wgsl.js';
import { lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import { BatchGrouper } from '../data/batches.js';
import { BatchLosses } from './batch-losses.js';
import { LazyChunk } from './lazy-chunk.js';
import { StepTable } from './step-table.js';
import type { Stepper, StepperInput } from './stepper.js';

/**
 * Steps that touch only the rows of the batch, with the numbers of steps that touch every row: see
 * shaders/train/lazy-step.wgsl.ts. Two dispatches per step, or with `persistent` one for all steps of a chunk. A chunk
 * begins with one that moves every row to its first touch.
 *
 * @throws RangeError for an optimiser without a closed form for idle steps
 */
export async function lazyStepper({ tables, train, options, maxSteps }: StepperInput, persistent: boolean): Promise<Stepper> {
  const { gpu, layout, shape, param } = tables;
  const { batchSize, loss, range, score, optimizer, wd, wdBias } = options;
  const { idle } = optimizer;
  if (idle === undefined) {
    throw new RangeError(`Lazy steps need a closed form for idle steps, and ${optimizer.name} has none; train with stepper: 'dense'.`);
  }
  // A software adapter runs an invocation per vector lane: fewer, longer ones. A GPU hides latency with many.
  const { isSoftware } = gpu.info;
  const workgroupSize = isSoftware ? 64 : Math.min(256, gpu.limits.maxComputeInvocationsPerWorkgroup);
  const variant: LazyVariant = {
    loss,
    range,
    score,
    optimizer,
    idle,
    hasBias: shape.hasBias,
    factorVecs: layout.factorVecs,
    ownBiasDecay: shape.hasBias && wd !== wdBias,
    wholeRow: isSoftware,
  };
  const shares = lazyShares(variant);
  const nRatings = batchSize * maxSteps;
  const Outcome = outcomeStruct(score);

  // Compiled before anything is allocated: an op of the caller's may not compile.
  const [forwardKernel, updateKernel, loopKernel, lossKernel] = await Promise.all([
    persistent ? undefined : gpu.compile(lazyForward(variant)),
    gpu.compile(lazyUpdate(variant)),
    persistent ? gpu.compile(lazySteps(variant, workgroupSize)) : undefined,
    gpu.compile(lossSums),
  ]);

  return gpu.owning((scope) => {
    const chunk = new LazyChunk(layout, options, idle.decays, maxSteps);
    const steps = scope.allocate('steps', 4 * stepStruct(optimizer, idle).size * (maxSteps + 1));
    const ratings = scope.allocate('ratings', 4 * LazyRating.size * nRatings);
    const touches = scope.allocate('touches', 4 * LazyTouch.size * chunk.touches.length);
    const members = scope.allocate('members', 4 * 2 * nRatings);
    const outcomes = scope.allocate('outcomes', 4 * Outcome.size * nRatings);
    const slots = scope.slots(2 * maxSteps + 2);
    const state = tables.state as Record<'m' | 'v', GPUBuffer>;
    const buffers = { steps, ratings, touches, members, param, ...state, outcomes };
    const lossScale = 1 / batchSize;
    const forward = forwardKernel?.bind(scope, buffers, { lossScale });
    const update = updateKernel.bind(scope, buffers, { wd, wdBias });
    const loop = loopKernel?.bind(scope, buffers, { lossScale, wd, wdBias, batchSize });
    const batchLosses = new BatchLosses(gpu, scope, lossKernel, outcomes, Outcome.size, batchSize, maxSteps);
    const grouper = new BatchGrouper(train, shape.nUsers, shape.nItems, batchSize, maxSteps);
    let table: StepTable;

    return {
      name: persistent ? 'persistent' : 'lazy',
      async begin(schedule, stepCount) {
        table = new StepTable(schedule, options, idle, stepCount);
        await gpu.turn();
      },
      async run(order, batch, step, nSteps) {
        const batches = grouper.group(order, batch, nSteps);
        const { touchStart } = batches;
        await gpu.turn();
        const replayEnd = Math.max(0, table.replayEnd - step);
        chunk.build(batches, table.schedule, step, replayEnd);
        await gpu.turn();
        const nTouches = touchStart[nSteps];
        gpu.write(steps, table.slice(step, touchStart));
        gpu.write(ratings, batches.ratings.slice(0, nSteps * batchSize));
        gpu.write(touches, chunk.touches.slice(0, nTouches + layout.nRows));
        gpu.write(members, batches.members);
        await gpu.turn();

        const recorder = gpu.record('lazy steps', { slots });
        // The touches that move every row to its first step come after those of all steps.
        recorder.dispatch(update, layout.nRows * shares, { step: 0, firstTouch: nTouches, nTouches: layout.nRows, replayEnd });
        if (loop) recorder.dispatchGroups(loop, 1, { begin: 0, end: nSteps, replayEnd });
        for (let s = 0; forward && s < nSteps; s++) {
          const touched = touchStart[s + 1] - touchStart[s];
          recorder.dispatch(forward, batchSize, { first: s * batchSize, nRatings: batchSize });
          recorder.dispatch(update, touched * shares, { step: s, firstTouch: touchStart[s], nTouches: touched, replayEnd });
        }
        batchLosses.record(recorder, nSteps).submit();
      },
      readLosses: (nSteps) => batchLosses.read(nSteps),
      release: () => scope.release(),
    };
  });
}
