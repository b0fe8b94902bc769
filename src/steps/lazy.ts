import { Member, RowTouch, Segment, stepStruct } from '../../shaders/ops/structs.js';
import { lazyEnter } from '../../shaders/train/lazy-enter.wgsl.js';
import { type LazyVariant, logDecays } from '../../shaders/train/lazy-rows.js';
import { lazyStep, lazySteps } from '../../shaders/train/lazy-step.wgsl.js';
import { lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import type { Gpu } from '../gpu/gpu.js';
import { StructArray } from '../gpu/struct.js';
import { BatchLosses } from './batch-losses.js';
import { HostBatches, mostTouches } from './host-batches.js';
import { StepTable } from './step-table.js';
import type { Stepper, StepperInput } from './stepper.js';

/** How the work of a step is spread over invocations. */
type LazyMapping = Pick<LazyVariant, 'lanes' | 'shuffles'>;

/**
 * A software adapter runs an invocation per vector lane: fewer, longer ones, so a row has one. A GPU hides latency with many: 8
 * lanes per row, no more than it has columns, and no more than its smallest subgroup where they can shuffle.
 */
function usualMapping({ info, smallestSubgroup }: Gpu, factorVecs: number): LazyMapping {
  if (info.isSoftware) return { lanes: 1, shuffles: false };
  const most = Math.min(8, smallestSubgroup >= 2 ? smallestSubgroup : 8);
  let lanes = 1;
  while (2 * lanes <= most && lanes < factorVecs) lanes *= 2;
  return { lanes, shuffles: smallestSubgroup >= 2 && lanes > 1 };
}

/**
 * Steps that touch only the rows of the batch, with the numbers of steps that touch every row: see
 * shaders/train/lazy-step.wgsl.ts. One dispatch per step, or with `persistent` one for all steps of a window, after
 * one that moves every row to its first touch.
 *
 * @throws RangeError for an optimiser without a closed form for idle steps
 */
export async function lazyStepper(
  { tables, train, options, maxSteps }: StepperInput,
  persistent: boolean,
  mapping: LazyMapping = usualMapping(tables.gpu, tables.layout.factorVecs),
): Promise<Stepper> {
  const { gpu, layout, shape, param, spare } = tables;
  const { batchSize, loss, range, score, optimizer, wd, wdBias } = options;
  const { nUsers, hasBias } = shape;
  const { nRows, factorVecs } = layout;
  const { lanes } = mapping;
  const { idle } = optimizer;
  if (idle === undefined) {
    throw new RangeError(`Lazy steps need a closed form for idle steps, and ${optimizer.name} has none; train with stepper: 'dense'.`);
  }
  const ownBiasDecay = hasBias && wd !== wdBias;
  const ops = { loss, range, score, optimizer, idle };
  const variant: LazyVariant = { ...ops, hasBias, factorVecs, ownBiasDecay, replays: false, isApart: spare !== undefined, ...mapping };
  const groupSize = gpu.info.isSoftware ? 64 : Math.min(256, gpu.limits.maxComputeInvocationsPerWorkgroup);
  const perTouch = mostTouches(batchSize, nUsers, nRows);

  // Compiled before anything is allocated: an op of the caller's may not compile.
  const [enterKernel, lossKernel, ...kernels] = await Promise.all([
    gpu.compile(lazyEnter(variant)),
    gpu.compile(lossSums),
    ...[false, true].map(async (replays) => ({
      step: persistent ? undefined : await gpu.compile(lazyStep({ ...variant, replays })),
      loop: persistent ? await gpu.compile(lazySteps({ ...variant, replays }, groupSize)) : undefined,
    })),
  ]);

  return gpu.owning((scope) => {
    const Step = stepStruct(optimizer, idle, ownBiasDecay);
    const buffers = {
      steps: scope.allocate('steps', 4 * Step.size * (maxSteps + 1)),
      entries: scope.allocate('entries', 4 * nRows),
      touches: scope.allocate('touches', 4 * RowTouch.size * perTouch * maxSteps),
      members: scope.allocate('members', 4 * Member.size * 2 * batchSize * maxSteps),
      lossOf: scope.allocate('losses', 4 * perTouch * maxSteps),
      param,
      spare: spare ?? param, // bound only where it is there
      ...(tables.state as Record<'m' | 'v', GPUBuffer>),
    };
    const slots = scope.slots(maxSteps + 2);
    const shared = { nRows, wd, wdBias, ...logDecays(idle) };
    const uniforms = { ...shared, nUsers, lossScale: 1 / batchSize };
    const enter = enterKernel.bind(scope, buffers, shared);
    const [closed, replaying] = kernels.map(({ step, loop }) => ({
      step: step?.bind(scope, buffers, uniforms),
      loop: loop?.bind(scope, buffers, uniforms),
    }));
    const batchLosses = new BatchLosses(gpu, scope, lossKernel, buffers.lossOf, 1, batchSize, Math.min(batchSize, nUsers), maxSteps);
    const batches = new HostBatches(train, nUsers, nRows, batchSize, maxSteps, lanes === 1);
    const segments = new StructArray(Segment, maxSteps);
    let table: StepTable;

    return {
      name: persistent ? 'persistent' : 'lazy',
      async begin(schedule, stepCount) {
        table = new StepTable(schedule, options, idle, stepCount, ownBiasDecay);
        await gpu.turn();
      },
      async run({ order, start }, step) {
        const window = batches.build(order, start);
        const { nSteps, firstTouch, nUserTouches } = window;
        await gpu.turn();
        for (let s = 0; s < nSteps; s++) segments.set(s, { begin: firstTouch[s], end: firstTouch[s] + nUserTouches[s] });
        gpu.write(buffers.steps, table.window(step, window));
        gpu.write(buffers.entries, window.entries);
        gpu.write(buffers.touches, window.touches);
        gpu.write(buffers.members, window.members);
        await gpu.turn();

        const replayEnd = Math.max(0, table.replayEnd - step);
        const kernel = replayEnd > 0 ? replaying : closed;
        const recorder = gpu.record('lazy steps', { slots }).dispatch(enter, nRows * lanes, { replayEnd });
        if (kernel.loop) recorder.dispatchGroups(kernel.loop, 1, { begin: 0, end: nSteps, replayEnd });
        for (let s = 0; kernel.step && s < nSteps; s++) {
          const nTouches = firstTouch[s + 1] - firstTouch[s];
          recorder.dispatch(kernel.step, nTouches * lanes, { step: s, firstTouch: firstTouch[s], nTouches, replayEnd });
        }
        batchLosses.record(recorder, segments.slice(0, nSteps)).submit();
      },
      readLosses: () => batchLosses.read(),
      release: () => scope.release(),
    };
  });
}
