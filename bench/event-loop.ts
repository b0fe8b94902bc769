/** How late other work of the process is while a model trains: waiting for the device must not hold up the event loop. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Gpu } from '../src/gpu/gpu.js';
import { collabLearner } from '../src/train/make-learner.js';
import { seconds, spread, summarise } from './measure.js';
import type { Section } from './report.js';
import { EPOCHS, LR_MAX, split, TUTORIAL, type Workload } from './workload.js';

/** Milliseconds between two times at which the timer is due. */
const PERIOD = 10;

/** The tutorial's five epochs with and without a timer, `nFits` times each after one to warm up. */
export async function benchEventLoop(gpu: Gpu, workload: Workload, adapter: string, nFits: number): Promise<Section> {
  const data = split(workload, 64);
  const learn = await collabLearner(data, { ...TUTORIAL, gpu });
  const fit = () => seconds(() => learn.fitOneCycle(EPOCHS, LR_MAX));
  const row = (beside: string, late: readonly number[], took: readonly number[]): Section['rows'][number] => ({
    beside,
    ...(late.length > 0 && { 'p50, ms': quantile(late, 0.5), 'p99, ms': quantile(late, 0.99), 'max, ms': quantile(late, 1) }),
    ...(took.length > 0 && { [`${EPOCHS} epochs, s`]: summarise(took).median, spread: spread(summarise(took)) }),
  });

  const rows = [row('nothing', await lateness(() => delay(200 * nFits)), [])];
  const first: number[] = [];
  rows.push(row('the first fit', await lateness(async () => first.push(await fit())), first));
  const [late, timed, untimed]: number[][] = [[], [], []];
  for (let i = 0; i < nFits; i++) {
    late.push(...(await lateness(async () => timed.push(await fit()))));
    untimed.push(await fit());
  }
  rows.push(row('a fit', late, timed), row('a fit, no timer', [], untimed));
  learn.release();
  return {
    title: `How late a timer of ${PERIOD} ms is, on ${adapter}: ${data.name}, batch ${data.batchSize}, ${EPOCHS} epochs`,
    notes: [`Over all times at which it was due: a pause of 100 ms makes ${100 / PERIOD} of them late. Fits of each kind: ${nFits}.`],
    rows,
  };
}

/** Milliseconds by which the timer missed each time at which it was due while `work` ran. */
async function lateness(work: () => Promise<unknown>): Promise<number[]> {
  const late: number[] = [];
  const start = performance.now();
  let due = PERIOD;
  const settle = () => {
    const elapsed = performance.now() - start;
    for (; due <= elapsed; due += PERIOD) late.push(elapsed - due);
    return due - elapsed;
  };
  const tick = () => void (timer = setTimeout(tick, settle()));
  let timer = setTimeout(tick, PERIOD);
  await work();
  clearTimeout(timer);
  settle();
  return late;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
