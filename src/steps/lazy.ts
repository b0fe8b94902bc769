import { Segment, stepStruct } from '../../shaders/ops/structs.js';
import { lazyEnter } from '../../shaders/train/lazy-enter.wgsl.js';
import { lazyPartials } from '../../shaders/train/lazy-partials.wgsl.js';
import { type LazyVariant, logDecays } from '../../shaders/train/lazy-rows.js';
import { lazyCountedStep, lazyStep, lazySteps } from '../../shaders/train/lazy-step.wgsl.js';
import { lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import { StructArray } from '../gpu/struct.js';
import { BatchLosses } from './batch-losses.js';
import { slotsPerSide } from './host-batches.js';
import { type LazyMapping, usualMapping } from './lazy-mapping.js';
import { makeWindows } from './make-windows.js';
import { sourceOf } from './source.js';
import { StepTable } from './step-table.js';
import type { Stepper, StepperInput } from './stepper.js';
import { hostWindows } from './windows.js';

/**
 * Steps that touch only the rows of the batch, with the numbers of steps that touch every row: see
 * shaders/train/lazy-step.wgsl.ts. One dispatch per step, or with `persistent` one for all steps of a window, after
 * one that moves every row to its first touch.
 *
 * @throws RangeError for an optimiser without a closed form for idle steps
 */
export async function lazyStepper(
  { tables, train, options, maxSteps, batches = 'host', rounds }: StepperInput,
  persistent: boolean,
  mapping: LazyMapping = usualMapping(tables.gpu, tables.layout, train, options.batchSize),
  leastForThread?: number,
): Promise<Stepper> {
  const { gpu, layout, shape, param, spare } = tables;
  const { batchSize, loss, range, score, optimizer, wd, wdBias } = options;
  const segmentsPerStep = rounds?.plan.n ?? 1;
  const mostRatings = rounds?.mostRatings ?? batchSize;
  const { nUsers, hasBias } = shape;
  const { nRows, factorVecs } = layout;
  const { idle } = optimizer;
  if (idle === undefined) {
    throw new RangeError(`Lazy steps need a closed form for idle steps, and ${optimizer.name} has none; train with stepper: 'dense'.`);
  }
  const ownBiasDecay = hasBias && wd !== wdBias;
  const isApart = spare !== undefined;
  const { lanes } = mapping;
  // Kernels bind at most eight buffers, and one workgroup has no dispatch before its steps.
  const splitsLongRows = mapping.splitsLongRows && !isApart && !persistent;
  const counts = mapping.counts && !isApart && !splitsLongRows && !persistent;
  const ops = { loss, range, score, optimizer, idle };
  const variant: LazyVariant = { ...ops, hasBias, factorVecs, ownBiasDecay, replays: false, isApart, ...mapping, splitsLongRows };
  const replaying: LazyVariant = { ...variant, replays: true };
  const groupSize = gpu.info.isSoftware ? 64 : Math.min(256, gpu.limits.maxComputeInvocationsPerWorkgroup);

  // Read on demand: software adapters make no batches, and a page is smaller by it.
  const device = batches === 'device' ? await import('./device-windows.js') : undefined;
  // Compiled before anything is allocated: an op of the caller's may not compile.
  const [enterKernel, lossKernel, stepKernel, countedKernel, replayKernel, loopKernel, replayLoopKernel, partialKernel, batchKernels] =
    await Promise.all([
      gpu.compile(lazyEnter(variant)),
      gpu.compile(lossSums),
      persistent || counts ? undefined : gpu.compile(lazyStep(variant)),
      counts ? gpu.compile(lazyCountedStep(variant)) : undefined,
      persistent ? undefined : gpu.compile(lazyStep(replaying)),
      persistent ? gpu.compile(lazySteps(variant, groupSize)) : undefined,
      persistent ? gpu.compile(lazySteps(replaying, groupSize)) : undefined,
      splitsLongRows ? gpu.compile(lazyPartials(variant)) : undefined,
      device?.compileBatches(gpu),
    ]);
  const sizes = { nUsers, nRows, batchSize: mostRatings, maxSteps };
  const source = batchKernels ? undefined : await makeWindows(gpu, train, { ...sizes, isSorted: lanes === 1 }, rounds, leastForThread);

  return gpu.owning((scope) => {
    const windows = batchKernels
      ? device!.deviceWindows(scope, batchKernels, train, sizes)
      : hostWindows(scope, source!, sizes, splitsLongRows);
    const perSide = slotsPerSide(mostRatings);
    const steps = scope.allocate('steps', 4 * stepStruct(optimizer, idle, ownBiasDecay).size * (maxSteps + 1));
    const lossOf = scope.allocate('losses', 4 * windows.nSlots * maxSteps);
    const progress = counts ? scope.allocate('progress', 8) : undefined;
    const partials = splitsLongRows ? scope.allocate('partials', 16 * (factorVecs + 1) * 2 * perSide) : steps;
    const { touches, members, entries, chunks = steps } = windows;
    // What a kernel has no place for is not bound.
    const state = tables.state as Record<'m' | 'v', GPUBuffer>;
    const buffers = {
      steps,
      touches,
      members,
      entries,
      chunks,
      lossOf,
      progress: progress ?? steps,
      partials,
      param,
      spare: spare ?? param,
      ...state,
    };
    const slots = scope.slots((splitsLongRows ? 2 : 1) * maxSteps + 16);
    const uniforms = { nRows, nUsers, lossScale: 1 / batchSize, slotsPerSide: perSide, wd, wdBias, ...logDecays(idle) };
    const bound = {
      enter: enterKernel.bind(scope, buffers, uniforms),
      step: stepKernel?.bind(scope, buffers, uniforms),
      counted: countedKernel?.bind(scope, buffers, uniforms),
      replay: replayKernel?.bind(scope, buffers, uniforms),
      loop: loopKernel?.bind(scope, buffers, uniforms),
      replayLoop: replayLoopKernel?.bind(scope, buffers, uniforms),
      partial: partialKernel?.bind(scope, buffers, uniforms),
    };
    const batchLosses = new BatchLosses(gpu, scope, lossKernel, lossOf, 1, Math.min(mostRatings, nUsers), maxSteps * segmentsPerStep);
    const segments = new StructArray(Segment, maxSteps * segmentsPerStep);
    // Of the kernels of a whole model in one binding: those of parts and of copies bound apart make the same bits by the same functions.
    const together = { ...variant, isApart: false, splitsLongRows: false };
    const kernels = [lazyEnter(together), lossSums, persistent ? lazySteps(together, groupSize) : lazyStep(together)];
    let table: StepTable;

    return {
      name: persistent ? 'persistent' : 'lazy',
      batches,
      note: source?.note,
      source: sourceOf(kernels),
      async begin(schedule, stepCount) {
        windows.forget?.();
        table = new StepTable(schedule, options, idle, stepCount, ownBiasDecay);
        await gpu.turn();
      },
      async prepare(coming) {
        if (!windows.prepare) return;
        await gpu.turn();
        await windows.prepare(coming);
      },
      async run(these, step) {
        const window = await windows.make(these);
        const { firstTouch, nUserTouches } = window;
        const nSteps = firstTouch.length - 1;
        await gpu.turn();
        for (let s = 0, at = 0; s < nSteps; s++) {
          for (let i = 0, touch = firstTouch[s]; i < segmentsPerStep; i++, at += Segment.size) {
            segments.words[at + Segment.at.begin] = touch;
            segments.words[at + Segment.at.end] = touch += nUserTouches[s * segmentsPerStep + i];
          }
        }
        gpu.write(steps, table.window(step, window));
        await gpu.turn();

        const replayEnd = Math.max(0, table.replayEnd - step);
        const nReplayed = Math.min(nSteps, replayEnd);
        if (progress) gpu.write(progress, Uint32Array.of(nReplayed, 0));
        const recorder = gpu.record('lazy steps', { slots });
        window.record(recorder);
        if (batches === 'device') recorder.clear(lossOf); // nobody writes the losses of empty slots
        recorder.dispatch(bound.enter, nRows * lanes, { replayEnd });
        recordSteps(bound.replay, bound.replayLoop, 0, nReplayed);
        if (bound.counted) recorder.repeat(bound.counted, mostOf(firstTouch, nReplayed) * lanes, nSteps - nReplayed);
        else recordSteps(bound.step, bound.loop, nReplayed, nSteps);
        batchLosses.record(recorder, segments.slice(0, nSteps * segmentsPerStep)).submit();

        function recordSteps(each: typeof bound.step, loop: typeof bound.loop, begin: number, end: number): void {
          if (loop && begin < end) recorder.dispatchGroups(loop, 1, { begin, end, replayEnd });
          for (let s = begin; each && s < end; s++) {
            const nTouches = firstTouch[s + 1] - firstTouch[s];
            if (bound.partial) recorder.dispatch(bound.partial, 2 * perSide * lanes, { step: s });
            recorder.dispatch(each, nTouches * lanes, { step: s, firstTouch: firstTouch[s], nTouches, replayEnd });
          }
        }
      },
      readLosses: () => batchLosses.read(),
      release: () => scope.release(),
    };
  });
}

/** The most touches of a step, from step `first` on. */
function mostOf(firstTouch: Uint32Array, first: number): number {
  let most = 0;
  for (let s = first + 1; s < firstTouch.length; s++) most = Math.max(most, firstTouch[s] - firstTouch[s - 1]);
  return most;
}
