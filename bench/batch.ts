/** Training steps over sizes of batches, vectors and tables: microseconds, ratings per second, and where the time goes. */
import { RowLayout } from '../src/model/layout.js';
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { BatchesOn } from '../src/steps/stepper.js';
import { collabLearner } from '../src/train/make-learner.js';
import { checkSteps } from './check.js';
import { PassClock, reasonOf } from './measure.js';
import { profileDevice, profileFit } from './profile.js';
import type { Section } from './report.js';
import { TUTORIAL, withBatchSize } from './workload.js';

export interface BatchOptions {
  /** A device with the threads that suit such batches. */
  open: (batch: { batchSize: number; nFactors: number }) => Promise<Gpu>;
  batchSizes: readonly number[];
  nFactors: number;
  /** Of each fit. A submission that has begun is not cut short. */
  limitSeconds: number;
  /** Microseconds of a timed pass of one kernel. */
  passUs: number;
}

/** Tables up to this many parameters are checked against the float64 reference before they are timed. */
const MOST_CHECKED = 1e6;

export async function benchBatch(data: CollabData, { open, batchSizes, nFactors, limitSeconds, passUs }: BatchOptions): Promise<Section> {
  const rows: Section['rows'] = [];
  let worst = 0;
  const measure = async (batchSize: number, batches: BatchesOn): Promise<Section['rows'][number]> => {
    const own = withBatchSize(data, batchSize);
    const gpu = await open({ batchSize, nFactors });
    const way = { stepper: 'lazy', batches } as const;
    const options = { ...TUTORIAL, nFactors, ...way };
    const { nParams } = new RowLayout({ nUsers: data.nUsers, nItems: data.nItems, nFactors, hasBias: true });
    if (nParams <= MOST_CHECKED) worst = Math.max(worst, await checkSteps(gpu, own, way, batchSize <= 256 ? 8 : 1, nFactors));
    const learn = await collabLearner(own, { ...options, gpu });
    const clock = new PassClock(gpu, false);
    try {
      const { maxSteps } = learn.trainer;
      const { wall, cpu, host, nSteps } = await profileFit(learn, limitSeconds);
      const some = Math.max(1, Math.min(maxSteps, Math.round((1e6 * limitSeconds) / (8 * wall))));
      const device = await profileDevice(learn, clock, some, passUs);
      const { order, grouping, table, write, encode, submit } = host;
      return {
        'us per step': wall,
        'cpu, us': cpu,
        'M ratings/s': batchSize / wall,
        'host, us': sum(host),
        'device, us': sum(device),
        S: maxSteps,
        order,
        grouping,
        table,
        write,
        encode: encode + submit,
        ...device,
        'steps timed': nSteps,
      };
    } finally {
      clock.release();
      learn.release();
    }
  };
  for (const batchSize of batchSizes.filter((size) => size <= data.nTrain)) {
    for (const batches of ['host', 'device'] as const) {
      const row = { batch: batchSize, batches };
      rows.push({ ...row, ...(await measure(batchSize, batches).catch((error: unknown) => ({ note: reasonOf(error) }))) });
    }
  }
  return {
    title: `Batches of ${data.name}: ${count(data.nUsers)} users, ${count(data.nItems)} items, ${nFactors} factors`,
    notes: [
      `us per step. Fits of about ${limitSeconds} s; cpu: of all threads. S: steps of a submission. Host and device work side by side.`,
      'Host: order to encode (with submit, in which lavapipe may compute).',
      'Device: each kernel of lazy steps alone; enter moves every row once per submission.',
      ...(worst > 0 ? [`Losses of the first steps: within ${worst.toExponential(1)} of the reference's.`] : []),
    ],
    rows,
  };
}

const sum = (parts: Readonly<Record<string, number>>) => Object.values(parts).reduce((total, us) => total + us, 0);
const count = (n: number) => n.toLocaleString('en');
