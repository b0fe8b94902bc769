/** Every kernel alone, on the dispatches of real training steps, beside what the device can do. */
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { StepperName } from '../src/steps/stepper.js';
import { collabLearner } from '../src/train/make-learner.js';
import { capture, type Dispatch, replay } from './capture.js';
import { type Ceilings, floorUs } from './ceilings.js';
import { PassClock, spread } from './measure.js';
import { byKernel, captureSteps } from './profile.js';
import type { Section } from './report.js';
import { TUTORIAL } from './workload.js';

/** What the cost of a kernel depends on: means over its dispatches. */
interface Sizes {
  /** Ratings of a batch; of the validation set or of the pairs for `validate` and `predict`. */
  B: number;
  /** Bytes of a row. */
  S: number;
  /** Rows that a step touches, users and items. */
  T: number;
  /** Rows of both tables. */
  N: number;
  /** Steps of a dispatch that makes several. */
  K: number;
}

interface Cost {
  /** The bytes as a formula, in the names of `Sizes`. */
  formula: string;
  bytes: (sizes: Sizes) => number;
  /** Whether rows are read at random places, rather than streamed. */
  gathers: boolean;
}

const cost = (formula: string, gathers: boolean, bytes: Cost['bytes']): Cost => ({ formula, gathers, bytes });

/**
 * Bytes that a kernel must move, for the dot product and Adam: rows as its header says, and whole structs (a rating and an
 * outcome are 12 bytes each, a touch 16).
 */
const COSTS: Readonly<Record<string, Cost>> = {
  gather: cost('4 B S', true, ({ B, S }) => 4 * B * S),
  scores: cost('B (2 S + 8)', false, ({ B, S }) => B * (2 * S + 8)),
  applyRange: cost('8 B', false, ({ B }) => 8 * B),
  lossBackward: cost('36 B', false, ({ B }) => 36 * B),
  forward: cost('B (2 S + 24)', true, ({ B, S }) => B * (2 * S + 24)),
  scatterAdd: cost('2 B (S + 28) + T (S + 16)', true, ({ B, S, T }) => 2 * B * (S + 28) + T * (S + 16)),
  optimizerStep: cost('8 N S', false, ({ N, S }) => 8 * N * S),
  lazyEnter: cost('N (6 S + 4)', false, ({ N, S }) => N * (6 * S + 4)),
  lazyStep: cost('2 B (S + 8) + T (6 S + 16)', true, ({ B, S, T }) => 2 * B * (S + 8) + T * (6 * S + 16)),
  lazyCountedStep: cost('2 B (S + 8) + T (6 S + 16)', true, ({ B, S, T }) => 2 * B * (S + 8) + T * (6 * S + 16)),
  lazySteps: cost('K (2 B (S + 8) + T (6 S + 16))', true, ({ B, S, T, K }) => K * (2 * B * (S + 8) + T * (6 * S + 16))),
  lossSums: cost('12 B K', false, ({ B, K }) => 12 * B * K),
  validate: cost('B (2 S + 12)', true, ({ B, S }) => B * (2 * S + 12)),
};

export interface KernelOptions {
  repeats: number;
  passUs: number;
  /** Tables that take no more bytes than this, with the optimiser's state, are taken to stay in the caches. */
  nearBytes: number;
}

/** Times each kernel of the given steppers on consecutive batches. */
export async function benchKernels(
  gpu: Gpu,
  data: CollabData,
  steppers: readonly StepperName[],
  ceilings: Ceilings,
  options: KernelOptions,
): Promise<Section> {
  const rows: Section['rows'] = [];
  const clock = new PassClock(gpu, false);
  const { batchSize } = data;
  const seen = new Set<string>();
  for (const stepper of steppers) {
    const learn = await collabLearner(data, { ...TUTORIAL, stepper, gpu });
    const nSteps = learn.trainer.maxSteps;
    const steps = await captureSteps(learn, nSteps);
    const { rowStride, nRows } = learn.embeddings.layout;
    const sizes: Sizes = { B: batchSize, S: 4 * rowStride, T: touchedRows(data, learn.trainer.order(0), nSteps), N: nRows, K: nSteps };
    const validation = await capture(gpu, () => learn.validate());
    for (const { B, dispatches } of [
      { B: batchSize, dispatches: steps },
      { B: data.nValid, dispatches: validation },
    ]) {
      for (const [name, ofKernel] of byKernel(dispatches)) {
        const key = `${name} ${B}`;
        if (seen.has(key)) continue;
        seen.add(key);
        rows.push(await kernelRow(name, ofKernel, { ...sizes, B }));
      }
    }
    learn.release();
  }
  clock.release();
  return {
    title: `Kernels, ${data.name}, batch ${batchSize}, ${TUTORIAL.nFactors} factors`,
    notes: [
      'us of one dispatch, all dispatches of a kernel in one pass.',
      'B: ratings of a batch; S: bytes of a row; T: rows that a step touches; N: rows; K: steps of a submission.',
      'Share of the ceiling: (launch of a dependent dispatch + bytes at the copy or row-gather rate) / measured time.',
    ],
    rows,
  };

  async function kernelRow(name: string, dispatches: Dispatch[], sizes: Sizes): Promise<Section['rows'][number]> {
    const timing = await clock.usEach(dispatches.length, (recorder) => replay(recorder, dispatches), options.repeats, options.passUs);
    const groups = dispatches.reduce((sum, dispatch) => sum + dispatch.groups, 0) / dispatches.length;
    const row = { kernel: name, dispatches: dispatches.length, workgroups: groups, us: timing.median, spread: spread(timing) };
    const known = COSTS[name];
    if (known === undefined) return row;
    const bytes = known.bytes(sizes);
    const rates = known.gathers ? ceilings.gatherGBs : ceilings.copyGBs;
    const rate = 4 * sizes.N * sizes.S <= options.nearBytes ? rates.near : rates.far;
    return {
      ...row,
      'GB/s': bytes / timing.median / 1000,
      'share of ceiling': `${((100 * floorUs(ceilings, groups, bytes, rate)) / timing.median).toFixed(0)} %`,
      bytes,
      formula: known.formula,
    };
  }
}

/** Mean number of distinct rows of a batch. */
function touchedRows({ train: { users, items }, batchSize }: CollabData, order: Uint32Array, nSteps: number): number {
  let touched = 0;
  for (let step = 0; step < nSteps; step++) {
    const batch = order.subarray(step * batchSize, (step + 1) * batchSize);
    for (const column of [users, items]) touched += new Set(Array.from(batch, (row) => column[row])).size;
  }
  return touched / nSteps;
}
