/**
 * Prepares ratings, reads some blocks of prepared ones, or trains on them for an epoch, alone or on ranks, of which each says how long that
 * took, how much memory, and what it sent:
 *
 *     node dist/bench/strata/prepared.js prepare 'ratings/*.parquet' prep 8
 *     node dist/bench/strata/prepared.js read prep 0 1
 *     mpirun -n 4 --bind-to none node dist/bench/strata/prepared.js train prep 8192
 */
import { openGpu } from '../../src/node/device/device.js';
import { openRing } from '../../src/node/mpi/open-ring.js';
import { prepareRatings } from '../../src/node/ratings/prepare.js';
import { openPrepared } from '../../src/node/ratings/prepared.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { peakMemory } from '../report.js';
import { countedRing, sentBytes } from './counted-ring.js';

const [what, ...args] = process.argv.slice(2);
let began = performance.now();
const lap = (name: string): void => {
  const { user, system } = process.cpuUsage();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const [cpu, memory] = [((user + system) / 1e6).toFixed(1), Math.round(process.resourceUsage().maxRSS / 1024)];
  console.log(`${name}: ${seconds} s; so far ${cpu} CPU-s, at most ${memory} MiB`);
  began = performance.now();
};
if (what === 'prepare') {
  const [source, dir, strata = '8'] = args;
  let stage: string | undefined;
  const onProgress = (next: string): void => {
    if (next !== stage && stage !== undefined) lap(stage);
    stage = next;
  };
  await prepareRatings(source, dir, { strata: Number(strata), validPct: 0.1, onProgress });
  lap(stage!);
} else if (what === 'train') {
  const [dir, batchSize = '8192'] = args;
  const ring = await openRing();
  const { rank, size } = ring;
  const prepared = await openPrepared(dir);
  const { strata } = prepared.manifest;
  const options = { batchSize: Number(batchSize) };
  const data = size === 1 ? await prepared.data(options) : await prepared.share((rank * strata) / size, strata / size, options);
  lap(`rank ${rank} of ${size}: ${data.train.ratings.length} of ${data.nTrain} training ratings read`);
  const { ring: counted, sent } = countedRing(ring);
  const { gpu } = await openGpu({ quiet: true });
  const learn = await collabLearner(data, { nFactors: 40, strata, unknownUser: 'na', gpu, ring: counted });
  await learn.fitOneCycle(1, 0.01);
  const { gpuMiB } = peakMemory(gpu);
  const { rowStride } = learn.embeddings.layout;
  const { passes = 0 } = learn.trainer.epochs.settings;
  const formula = size === 1 ? 0 : sentBytes(passes, data.nItems, rowStride);
  const mse = learn.history.epochs[0].valid.mse;
  lap(`rank ${rank} of ${size}: sent ${sent.shifted} (formula ${formula}) and told ${sent.told} bytes; device ${gpuMiB} MiB; MSE ${mse}`);
  await ring.close();
} else {
  const [dir, first = '0', n = '1'] = args;
  const prepared = await openPrepared(dir);
  const { train, valid } = await prepared.ratings(Number(first), Number(n));
  lap(`${train.ratings.length} training and ${valid.ratings.length} validation ratings`);
}
