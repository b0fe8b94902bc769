/** Larger sets: steps on a sample of ratings with tables in full size, epochs extrapolated; and what an untouched row costs. */
import type { CollabData } from '../src/data/collab-data.js';
import { MemoryBudgetError } from '../src/base/errors.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { CollabLearner } from '../src/train/learner.js';
import type { StepperName } from '../src/steps/stepper.js';
import { fillPermutation } from '../src/base/random.js';
import { oneCycle } from '../src/schedule/schedule.js';
import { collabLearner } from '../src/train/make-learner.js';
import { replay } from './capture.js';
import { captureSteps } from './kernels.bench.js';
import { PassClock, repeat, seconds, spread, type Timing } from './measure.js';
import type { Section } from './report.js';
import { LR_MAX, TUTORIAL, sample, type Shape } from './workload.js';

/** Users, items and ratings of the MovieLens sets. */
export const MOVIELENS: readonly Shape[] = [
  { name: 'ML-1M', nUsers: 6040, nItems: 3706, nRatings: 1_000_209 },
  { name: 'ML-10M', nUsers: 69_878, nItems: 10_677, nRatings: 10_000_054 },
  { name: 'ML-25M', nUsers: 162_541, nItems: 59_047, nRatings: 25_000_095 },
];

export interface ShapesOptions {
  repeats: number;
  batchSizes: readonly number[];
  shapes: readonly Shape[];
  /** About how many ratings a timed fit trains on. */
  nSampled: number;
}

/** Steps at the shape of the MovieLens sets, on a sample of ratings. */
export async function benchShapes(gpu: Gpu, { repeats, batchSizes, shapes, nSampled }: ShapesOptions): Promise<Section> {
  const rows: Section['rows'] = [];
  for (const shape of shapes) {
    const orderSeconds = ((await nanosecondsPerPlace()) * 0.9 * shape.nRatings) / 1e9;
    for (const batchSize of batchSizes) {
      const nSteps = Math.max(4, Math.ceil(nSampled / batchSize / (batchSize < 1024 ? 20 : 1)));
      const data = sample(shape, nSteps * batchSize, batchSize);
      const row = { set: shape.name, rows: shape.nUsers + shape.nItems + 2, batch: batchSize };
      try {
        const learn = await fixedOrderLearner(gpu, data, 'lazy');
        const timing = await timeSteps(learn, nSteps, repeats);
        learn.release();
        const stepsPerEpoch = Math.floor((0.9 * shape.nRatings) / batchSize);
        rows.push({
          ...row,
          'us per step': timing.median,
          spread: spread(timing),
          'ratings/s': (1e6 * batchSize) / timing.median,
          'steps timed': nSteps,
          'one epoch, s (extrapolated)': (timing.median * stepsPerEpoch) / 1e6 + orderSeconds,
        });
      } catch (error) {
        if (!(error instanceof MemoryBudgetError)) throw error;
        rows.push({ ...row, spread: error.message });
      }
    }
  }
  return {
    title: `Shapes of the MovieLens sets, synthetic ratings, ${TUTORIAL.nFactors} factors, lazy stepper`,
    notes: [
      'Steps on a sample of ratings, tables in full size.',
      'One epoch: 90 % of the ratings at that rate, and the time to draw their order.',
    ],
    rows,
  };
}

/** The same steps on ever larger tables: an untouched row costs the lazy stepper only its share of one pass per submission. */
export async function benchTables(gpu: Gpu, nRowsList: readonly number[], repeats: number): Promise<Section> {
  const rows: Section['rows'] = [];
  const clock = new PassClock(gpu);
  for (const nRows of nRowsList) {
    const data = sample({ name: `${nRows} rows`, nUsers: nRows / 2 - 1, nItems: nRows / 2 - 1, nRatings: 0 }, 150_000, 64);
    for (const stepper of ['lazy', 'dense'] as const) {
      const learn = await fixedOrderLearner(gpu, data, stepper);
      const { maxSteps } = learn.trainer;
      const nSteps = stepper === 'lazy' ? 4 * maxSteps : 32;
      const timing = await timeSteps(learn, nSteps, repeats);
      const row: Section['rows'][number] = {
        stepper,
        rows: nRows,
        'us per step': timing.median,
        spread: spread(timing),
        'steps timed': nSteps,
      };
      if (stepper === 'lazy') {
        const { dispatches, hostUs } = await captureSteps(learn, maxSteps);
        const [all, ...steps] = dispatches;
        const stepped = await clock.usEach(maxSteps, (recorder) => replay(recorder, steps), repeats, 1);
        const pass = await clock.usEach(maxSteps, (recorder) => replay(recorder, [all]), repeats, 1);
        Object.assign(row, {
          'device, steps alone, us': stepped.median,
          'device, pass over all rows, us per step': pass.median,
          'host, us per step': hostUs,
        });
      }
      rows.push(row);
      learn.release();
    }
  }
  clock.release();
  return {
    title: `A step against the size of the tables: batch 64, ${TUTORIAL.nFactors} factors`,
    notes: ['The lazy stepper passes over all rows once per submission; "us per step" includes its share of that, host work and upload.'],
    rows,
  };
}

/** Its order is drawn before the clock starts: an epoch of a sample is shorter than one of the whole set. */
function fixedOrderLearner(gpu: Gpu, data: CollabData, stepper: StepperName): Promise<CollabLearner> {
  const order = new Uint32Array(data.nTrain);
  fillPermutation(order, 1);
  return collabLearner(data, { ...TUTORIAL, stepper, gpu, order: () => order });
}

function timeSteps({ trainer }: CollabLearner, nSteps: number, repeats: number): Promise<Timing> {
  const schedule = oneCycle({ totalSteps: nSteps, lrMax: LR_MAX });
  return repeat(repeats, async () => (1e6 * (await seconds(() => trainer.fit(schedule)))) / nSteps);
}

async function nanosecondsPerPlace(): Promise<number> {
  const order = new Uint32Array(500_000);
  return (1e9 * (await seconds(() => fillPermutation(order, 1)))) / order.length;
}
