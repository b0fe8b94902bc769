import { rateStruct } from '../../shaders/ops/optimizer.js';
import { outcomeStruct, Rating, Segment, Touch } from '../../shaders/ops/structs.js';
import { forward } from '../../shaders/train/forward.wgsl.js';
import { lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import { optimizerStep } from '../../shaders/train/optimizer-step.wgsl.js';
import { scatterAdd } from '../../shaders/train/scatter-add.wgsl.js';
import { applyRange } from '../../shaders/train/unfused/apply-range.wgsl.js';
import { gather } from '../../shaders/train/unfused/gather.wgsl.js';
import { lossBackward } from '../../shaders/train/unfused/loss-backward.wgsl.js';
import { scores } from '../../shaders/train/unfused/scores.wgsl.js';
import { BatchGrouper } from '../data/batches.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';
import { StructArray } from '../gpu/struct.js';
import type { Schedule } from '../schedule/schedule.js';
import { BatchLosses } from './batch-losses.js';
import { sourceOf } from './source.js';
import type { Stepper, StepperInput } from './stepper.js';
import { rates } from './step-table.js';

/** Records the kernels from a batch's ratings to `outcomes`. */
type RecordForward = (recorder: Recorder, first: number, nRatings: number) => void;

/**
 * The plain way to make a step, in three dispatches: the forward pass with the gradient of the scores, the gradient of
 * the touched rows, the optimiser over every row. With `fused: false` the forward pass is four kernels: the reference
 * that explains, and checks, the fused one.
 */
export async function denseStepper({ tables, train, options, maxSteps, rounds }: StepperInput, fused = true): Promise<Stepper> {
  const { gpu, layout, shape, param } = tables;
  const { batchSize, loss, range, optimizer, score, wd, wdBias } = options;
  const { rowStride, factorVecs, rowVecs, nParams } = layout;
  const segmentsPerStep = rounds?.plan.n ?? 1;
  const nVecs = nParams / 4;
  const lossScale = 1 / batchSize;
  const Outcome = outcomeStruct(score);
  const Rate = rateStruct(optimizer);

  const forwardKernels = fused
    ? [forward(loss, range, score, shape.hasBias)]
    : [gather, scores(score, shape.hasBias), applyRange(range), lossBackward(loss, range, score)];

  // Compiled side by side, and before anything is allocated: an op of the caller's may not compile.
  const [makeForward, scatterKernel, optimizerKernel, lossKernel] = await Promise.all([
    fused ? fusedForward() : unfusedForward(),
    gpu.compile(scatterAdd(score)),
    gpu.compile(optimizerStep(optimizer)),
    gpu.compile(lossSums),
  ]);

  return gpu.owning((scope) => {
    const ratings = scope.allocate('ratings', 4 * Rating.size * batchSize * maxSteps);
    const touches = scope.allocate('touches', 4 * Touch.size * 2 * batchSize * maxSteps);
    const members = scope.allocate('members', 4 * 2 * batchSize * maxSteps);
    const outcomes = scope.allocate('outcomes', 4 * Outcome.size * batchSize * maxSteps);
    const grad = scope.allocate('grad', 4 * nParams);
    const slots = scope.slots((fused ? 3 : 6) * maxSteps + 1);
    const recordForward = makeForward(scope, ratings, outcomes);
    const scatter = scatterKernel.bind(scope, { ratings, touches, members, param, outcomes, grad }, { factorVecs, rowVecs });
    const batchLosses = new BatchLosses(gpu, scope, lossKernel, outcomes, Outcome.size, batchSize, maxSteps * segmentsPerStep);
    const bounds = new StructArray(Segment, maxSteps * segmentsPerStep);
    const grouper = new BatchGrouper(train, shape.nUsers, shape.nItems, batchSize, maxSteps);
    const stepRates = scope.allocate('rates', 4 * Rate.size * maxSteps);
    const state = tables.state as Record<'m' | 'v', GPUBuffer>;
    const optimize = optimizerKernel.bind(scope, { rates: stepRates, grad, param, ...state }, { nVecs, rowVecs, factorVecs, wd, wdBias });
    const window = new StructArray(Rate, maxSteps);
    let schedule: Schedule;
    let stepCount: number;

    return {
      name: fused ? 'dense' : 'unfused',
      source: sourceOf([...forwardKernels, scatterKernel.kernel, optimizerKernel.kernel, lossKernel.kernel]),
      begin(next, stepsMade) {
        schedule = next;
        stepCount = stepsMade;
      },
      async run({ order, start, segments = start }, step) {
        const chunk = grouper.group(order, start);
        const { nSteps } = chunk;
        await gpu.turn();
        gpu.write(ratings, chunk.ratings.slice(0, start[nSteps] - start[0]));
        gpu.write(touches, chunk.touches.slice(0, chunk.touchStart[nSteps]));
        gpu.write(members, chunk.members);
        rates(optimizer, schedule, stepCount, [step, step + nSteps], (t, rate) => window.set(t - step, rate));
        gpu.write(stepRates, window.slice(0, nSteps));
        await gpu.turn();
        const recorder = gpu.record('dense steps', { slots });
        for (let s = 0; s < nSteps; s++) {
          const [begin, end] = [start[s] - start[0], start[s + 1] - start[0]];
          const firstTouch = chunk.touchStart[s];
          const nTouches = chunk.touchStart[s + 1] - firstTouch;
          recordForward(recorder, begin, end - begin);
          recorder.dispatch(scatter, nTouches * rowVecs, { firstTouch, nTouches });
          recorder.dispatch(optimize, nVecs, { step: s });
        }
        const nSegments = nSteps * segmentsPerStep;
        for (let i = 0; i < nSegments; i++) bounds.set(i, { begin: segments[i] - start[0], end: segments[i + 1] - start[0] });
        batchLosses.record(recorder, bounds.slice(0, nSegments)).submit();
      },
      readLosses: () => batchLosses.read(),
      release: () => scope.release(),
    };
  });

  type MakeForward = (scope: Scope, ratings: GPUBuffer, outcomes: GPUBuffer) => RecordForward;

  async function fusedForward(): Promise<MakeForward> {
    const pipeline = await gpu.compile(forward(loss, range, score, shape.hasBias));
    return (owner, ratings, outcomes) => {
      const binding = pipeline.bind(owner, { ratings, param, outcomes }, { lossScale, factorVecs, rowVecs });
      return (recorder, first, nRatings) => void recorder.dispatch(binding, nRatings, { first, nRatings });
    };
  }

  async function unfusedForward(): Promise<MakeForward> {
    const [lookUp, scorer, squash, backward] = await Promise.all([
      gpu.compile(gather),
      gpu.compile(scores(score, shape.hasBias)),
      gpu.compile(applyRange(range)),
      gpu.compile(lossBackward(loss, range, score)),
    ]);
    return (owner, ratings, outcomes) => {
      const users = owner.allocate('users', 4 * batchSize * rowStride);
      const items = owner.allocate('items', 4 * batchSize * rowStride);
      const sums = owner.allocate('sums', 16 * batchSize);
      const z = owner.allocate('z', 4 * batchSize);
      const yHat = owner.allocate('yHat', 4 * batchSize);
      const a = lookUp.bind(owner, { ratings, param, users, items }, { rowVecs });
      const b = scorer.bind(owner, { users, items, sums, z }, { factorVecs, rowVecs });
      const c = squash.bind(owner, { z, yHat });
      const d = backward.bind(owner, { ratings, sums, z, yHat, outcomes }, { lossScale });
      return (recorder, first, nRatings) =>
        void recorder
          .dispatch(a, nRatings * rowVecs, { first, nRatings })
          .dispatch(b, nRatings, { nRatings })
          .dispatch(c, nRatings, { nRatings })
          .dispatch(d, nRatings, { first, nRatings });
    };
  }
}
