/**
 * Trains the tutorial's model for three epochs, alone or as one of several ranks, and prints as JSON what the last two took (rank 0 for
 * all). Arguments: the adapter's name, or '' for the best; set; batch size; strata; parts of all ranks.
 */
import { gatherNumbers } from '../../src/base/ring.js';
import { fingerprint } from '../../src/base/fingerprint.js';
import { openGpu } from '../../src/node/device/device.js';
import { threadsFor } from '../../src/node/device/threads.js';
import { openRing } from '../../src/node/mpi/open-ring.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { peakMemory } from '../report.js';
import { countedRing, sentBytes } from './counted-ring.js';
import { LR_MAX, openSet, split, TUTORIAL } from '../workload.js';

export interface Rank {
  seconds: number;
  cpuSeconds: number;
  /** Sent in the ring to the rank before this one, and to all others together. */
  shifted: number;
  told: number;
  processMiB: number;
  gpuMiB: number;
}

export interface StrataOnce {
  data: string;
  /** Of an epoch, apart from memory: those are peaks. */
  ranks: Rank[];
  /** `sentBytes`. */
  formula: number;
  /** Fingerprint of the losses of all steps: equal for equal strata. */
  losses: string;
  mse: number;
}

const EPOCHS = 3;

const [adapter, set, ...sizes] = process.argv.slice(2);
const [batchSize, strata, parts] = sizes.map(Number);
const data = split(await openSet(set, 2_000_000), batchSize);
const ring = await openRing();
const { ring: counted, sent } = countedRing(ring);
const { gpu } = await openGpu({
  name: adapter || undefined,
  quiet: true,
  softwareThreads: threadsFor({ batchSize, nFactors: TUTORIAL.nFactors }),
});
const divided = strata > 1 ? { strata, parts, ring: counted } : {};
const learn = await collabLearner(data, { ...TUTORIAL, gpu, ...divided });

let began = { ...sent, seconds: 0, cpu: process.cpuUsage() };
await learn.fitOneCycle(EPOCHS, LR_MAX, {
  onEpoch: ({ epoch }) => {
    if (epoch === 0) began = { ...sent, seconds: performance.now() / 1000, cpu: process.cpuUsage() };
  },
});
const cpu = process.cpuUsage(began.cpu);
const { processMiB, gpuMiB } = peakMemory(gpu);
const perEpoch = [
  performance.now() / 1000 - began.seconds,
  (cpu.user + cpu.system) / 1e6,
  sent.shifted - began.shifted,
  sent.told - began.told,
].map((each) => each / (EPOCHS - 1));
const all = await gatherNumbers(ring, Float64Array.of(...perEpoch, processMiB, gpuMiB));
const { shape, layout } = learn.trainer.tables;
const { passes = 0 } = learn.trainer.epochs.settings;
const result: StrataOnce = {
  data: data.name,
  ranks: all.map(([seconds, cpuSeconds, shifted, told, process, device]) => ({
    seconds,
    cpuSeconds,
    shifted,
    told,
    processMiB: process,
    gpuMiB: device,
  })),
  formula: ring.size === 1 ? 0 : sentBytes(passes, shape.nItems, layout.rowStride),
  losses: fingerprint(Float64Array.from(learn.history.losses)),
  mse: learn.history.epochs.at(-1)!.valid.mse,
};
if (ring.rank === 0) console.log(JSON.stringify(result));
await ring.close();
