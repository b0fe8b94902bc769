/**
 * Opens and closes devices, and prints as JSON what the process holds after some of the rounds. Arguments: the adapter's name,
 * or '' for the best; 'learner' or 'device'; the numbers of rounds after which to look, ascending.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openGpu } from '../src/node/device/device.js';
import { collabLearner } from '../src/train/make-learner.js';
import { LR_MAX, openWorkload, split, TUTORIAL } from './workload.js';

/** What a round makes and gives back: a learner that opens a device for itself, or the device alone. */
export type Life = 'learner' | 'device';

export interface LifeOnce {
  round: number;
  rssMiB: number;
  /** '' where the system has no /proc. */
  threads: number | '';
  handles: number | '';
  /** '' before the first round. */
  secondsPerRound: number | '';
}

const [adapter, life, ...rounds] = process.argv.slice(2);
const data = split(await openWorkload(), 64);
const open = async () => (await openGpu({ name: adapter || undefined })).gpu;

const lives: Record<Life, () => Promise<void>> = {
  async learner() {
    const learn = await collabLearner(data, TUTORIAL, open);
    await learn.fitOneCycle(1, LR_MAX);
    learn.release();
  },
  async device() {
    (await open()).destroy();
  },
};

const found = [await look(0, '')];
const start = performance.now();
for (let round = 1; round <= Number(rounds.at(-1)); round++) {
  await lives[life as Life]();
  if (rounds.includes(String(round))) found.push(await look(round, (performance.now() - start) / 1000 / round));
}
console.log(JSON.stringify(found));

async function look(round: number, secondsPerRound: number | ''): Promise<LifeOnce> {
  await delay(100); // the driver's threads end on their own
  const { threads, handles } = counts();
  return { round, rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20), threads, handles, secondsPerRound };
}

function counts(): Pick<LifeOnce, 'threads' | 'handles'> {
  try {
    const threads = Number(/^Threads:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
    return { threads, handles: readdirSync('/proc/self/fd').length };
  } catch {
    return { threads: '', handles: '' };
  }
}
