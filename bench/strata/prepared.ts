/**
 * Prepares ratings, or reads some blocks of prepared ones, and says how long that took and how much memory:
 *
 *     node dist/bench/strata/prepared.js prepare 'ratings/*.parquet' prep 8
 *     node dist/bench/strata/prepared.js read prep 0 1
 */
import { prepareRatings } from '../../src/node/ratings/prepare.js';
import { openPrepared } from '../../src/node/ratings/prepared.js';

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
} else {
  const [dir, first = '0', n = '1'] = args;
  const prepared = await openPrepared(dir);
  const { train, valid } = await prepared.ratings(Number(first), Number(n));
  lap(`${train.ratings.length} training and ${valid.ratings.length} validation ratings`);
}
