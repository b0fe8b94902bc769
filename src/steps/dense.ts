import { sigmoidRange } from '../../shaders/ops/range.js';
import { RATE_SIZE, rateFields, rateOf } from '../../shaders/ops/adam.js';
import { dotBias } from '../../shaders/train/unfused/score.wgsl.js';
import { forward } from '../../shaders/train/forward.wgsl.js';
import { gather } from '../../shaders/train/unfused/gather.wgsl.js';
import { lossBackward } from '../../shaders/train/unfused/loss-backward.wgsl.js';
import { lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import { optimizerStep } from '../../shaders/train/optimizer-step.wgsl.js';
import { RATING_SIZE, TOUCH_SIZE } from '../../shaders/ops/structs.js';
import { scatterAdd } from '../../shaders/train/scatter-add.wgsl.js';
import { applyRange } from '../../shaders/train/unfused/range.wgsl.js';
import { BatchGrouper } from '../data/batches.js';
import { BatchLosses } from './batch-losses.js';
import type { Kernel } from '../gpu/kernel.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Schedule } from '../schedule/schedule.js';
import type { StepperInput, Stepper } from './stepper.js';

/** Records the kernels from a batch's ratings to `losses` and `dz`. */
type RecordForward = (recorder: Recorder, first: number) => void;

/**
 * The plain way to make a step, in three dispatches: the forward pass with the gradient of the scores, the gradient of
 * the touched rows, the optimiser over every row. With `fused: false` the forward pass is four kernels: the reference
 * that explains, and checks, the fused one.
 */
export async function denseStepper({ model, train, options, maxSteps }: StepperInput, fused = true): Promise<Stepper> {
  const { gpu, layout, shape } = model;
  const { batchSize, loss, optimizer, wd, wdBias, beta2, eps } = options;
  const range = sigmoidRange(options.yRange);
  const [lo, hi] = options.yRange ?? [0, 1];
  const { rowStride, biasColumn, factorVecs, rowVecs, nParams } = layout;
  const { nFactors, bias } = shape;

  // Compiled side by side, and before anything is allocated: an op of the caller's may not compile.
  const forwardKernels = fused ? [forward(loss, range, bias)] : [gather, dotBias(bias), applyRange(range), lossBackward(loss, range)];
  await Promise.all([...forwardKernels, scatterAdd, optimizerStep(optimizer), lossSums].map((kernel) => gpu.compile(kernel as Kernel)));

  const nRatings = batchSize * maxSteps;
  const ratings = gpu.allocate('ratings', 4 * RATING_SIZE * nRatings);
  const touches = gpu.allocate('touches', 4 * TOUCH_SIZE * 2 * nRatings);
  const members = gpu.allocate('members', 4 * 2 * nRatings);
  const losses = gpu.allocate('losses', 4 * nRatings);
  const dz = gpu.allocate('dz', 4 * batchSize);
  const grad = gpu.allocate('grad', 4 * nParams);
  const owned: (GPUBuffer | undefined)[] = [ratings, touches, members, losses, dz, grad];

  const [scatterAddPipeline, optimizerPipeline, batchLosses, recordForward] = await Promise.all([
    gpu.compile(scatterAdd),
    gpu.compile(optimizerStep(optimizer)),
    BatchLosses.create(gpu, losses, 1, batchSize, maxSteps),
    fused ? fusedForward() : unfusedForward(),
  ]);
  const scatter = scatterAddPipeline.bind(
    { ratings, touches, members, param: model.param, dz, grad },
    { rowStride, nFactors, biasColumn: bias ? biasColumn : rowStride },
  );
  owned.push(scatter.uniform);
  const bindOptimizer = (rates: GPUBuffer) =>
    optimizerPipeline.bind(
      { rates, grad, param: model.param, m: model.m, v: model.v },
      { nParams, rowStride, biasColumn, wd, wdBias, beta2, eps },
    );

  async function fusedForward(): Promise<RecordForward> {
    const pipeline = await gpu.compile(forward(loss, range, bias));
    const binding = pipeline.bind({ ratings, param: model.param, losses, dz }, { batchSize, factorVecs, rowVecs, lo, hi });
    owned.push(binding.uniform);
    return (recorder, first) => void recorder.dispatch(binding, batchSize, { first });
  }

  async function unfusedForward(): Promise<RecordForward> {
    const users = gpu.allocate('users', 4 * batchSize * rowStride);
    const items = gpu.allocate('items', 4 * batchSize * rowStride);
    const z = gpu.allocate('z', 4 * batchSize);
    const yHat = gpu.allocate('yHat', 4 * batchSize);
    owned.push(users, items, z, yHat);
    const [a, b, c, d] = await Promise.all([
      gpu.compile(gather),
      gpu.compile(dotBias(bias)),
      gpu.compile(applyRange(range)),
      gpu.compile(lossBackward(loss, range)),
    ]);
    const lookup = a.bind({ ratings, param: model.param, users, items }, { batchSize, rowStride });
    const dot = b.bind({ users, items, z }, { batchSize, rowStride, nFactors, biasColumn });
    const squash = c.bind({ z, yHat }, { batchSize, lo, hi });
    const backward = d.bind({ ratings, z, yHat, losses, dz }, { batchSize, lo, hi });
    owned.push(lookup.uniform, dot.uniform, squash.uniform, backward.uniform);
    return (recorder, first) =>
      void recorder
        .dispatch(lookup, batchSize * rowStride, { first })
        .dispatch(dot, batchSize)
        .dispatch(squash, batchSize)
        .dispatch(backward, batchSize, { first });
  }

  const grouper = new BatchGrouper(train, shape.nUsers, shape.nItems, batchSize, maxSteps);
  let rates: GPUBuffer | undefined;
  let optimize: ReturnType<typeof bindOptimizer> | undefined;

  return {
    name: fused ? 'dense' : 'unfused',
    begin(schedule, stepCount) {
      gpu.release(rates, optimize?.uniform);
      rates = gpu.upload('rates', packRates(schedule, beta2, stepCount));
      optimize = bindOptimizer(rates);
    },
    run(order, batch, step, nSteps) {
      const chunk = grouper.group(order, batch, nSteps);
      gpu.write(ratings, chunk.ratings);
      gpu.write(touches, chunk.touches);
      gpu.write(members, chunk.members);
      const recorder = gpu.record('dense steps');
      for (let s = 0; s < nSteps; s++) {
        const first = s * batchSize;
        const firstTouch = chunk.touchStart[s];
        const nTouches = chunk.touchStart[s + 1] - firstTouch;
        recordForward(recorder, first);
        recorder.dispatch(scatter, nTouches * rowStride, { first, firstTouch, nTouches });
        recorder.dispatch(optimize!, nParams, { step: step + s });
      }
      batchLosses.record(recorder, nSteps).submit();
    },
    readLosses: (nSteps) => batchLosses.read(nSteps),
    release() {
      batchLosses.release();
      gpu.release(rates, optimize?.uniform, ...owned);
    },
  };
}

/** The `Rate` structs of a schedule, computed in float64. */
function packRates({ lr, beta1 }: Schedule, beta2: number, stepCount: number): Float32Array<ArrayBuffer> {
  const packed = new Float32Array(lr.length * RATE_SIZE);
  lr.forEach((lrOfStep, step) => {
    packed.set(rateFields(rateOf(lrOfStep, beta1[step], beta2, stepCount + step + 1)), step * RATE_SIZE);
  });
  return packed;
}
