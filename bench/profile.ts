/** Where the time of training steps goes: on the host by what it does, on the device by kernel. */
import { Gpu } from '../src/gpu/gpu.js';
import { Recorder } from '../src/gpu/recorder.js';
import { oneCycle } from '../src/schedule/schedule.js';
import { HostBatches } from '../src/steps/host-batches.js';
import { OwnWindows } from '../src/steps/host-windows.js';
import { StepTable } from '../src/steps/step-table.js';
import type { CollabLearner } from '../src/train/learner.js';
import { capture, type Dispatch, kernelStem, replay } from './capture.js';
import type { PassClock } from './measure.js';
import { EPOCHS, LR_MAX } from './workload.js';

/** What the main thread does for training steps: drawing of ratings, grouping into batches; `encode` ends where a submission begins. */
const SHARES = ['order', 'grouping', 'table', 'write', 'encode', 'submit'] as const;
export type HostShare = (typeof SHARES)[number];

/** Microseconds per training step. */
export interface FitProfile {
  nSteps: number;
  wall: number;
  /** Of all threads of the process, those of a software adapter included. */
  cpu: number;
  host: Record<HostShare, number>;
}

/** Steps after which Adam's closed form holds from the first idle step on, as it does in all but the beginning of a run. */
const WARM_STEPS = 10_000;

/** Trains for about so many seconds, to the end of a submission, and at least for one. */
export async function profileFit({ trainer }: CollabLearner, limitSeconds: number): Promise<FitProfile> {
  const { stepsPerEpoch, maxSteps } = trainer;
  await trainer.fit(schedule(2), { stopOnNaN: false });
  trainer.stepCount = WARM_STEPS;

  const totalSteps = Math.max(20 * EPOCHS * stepsPerEpoch, 2 * maxSteps, 1000);
  const stop = new AbortController();
  const meter = new Meter();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const onSteps = () => void (performance.now() - start > 1000 * limitSeconds && stop.abort());
  const nSteps = await trainer.fit(schedule(totalSteps), { stopOnNaN: false, signal: stop.signal, onSteps });
  const wall = 1000 * (performance.now() - start);
  const { user, system } = process.cpuUsage(cpu);
  const micros = meter.stop();
  const host = Object.fromEntries(SHARES.map((share) => [share, micros[share] / nSteps])) as Record<HostShare, number>;
  return { nSteps, wall: wall / nSteps, cpu: (user + system) / nSteps, host };
}

const schedule = (totalSteps: number) => oneCycle({ totalSteps, lrMax: LR_MAX });

/** Measures the host's shares where the work is done, from when it is made until `stop`. What one share does within another is its own. */
class Meter {
  readonly #micros = Object.fromEntries(SHARES.map((share) => [share, 0])) as Record<HostShare, number>;
  readonly #undo: (() => void)[] = [];
  #nested = 0;
  #recordedAt = Infinity;

  constructor() {
    // Windows are made there: what is not grouping is the drawing of the order.
    this.#time('order', OwnWindows.prototype, 'prepare');
    this.#time('order', OwnWindows.prototype, 'take');
    this.#time('grouping', HostBatches.prototype, 'build');
    this.#time('table', StepTable.prototype, 'window');
    this.#time('write', Gpu.prototype, 'write');
    this.#time('encode', Gpu.prototype, 'record', (end) => (this.#recordedAt = end));
    this.#time('submit', Recorder.prototype, 'submit', undefined, (start) => {
      this.#micros.encode += Math.max(0, 1000 * (start - this.#recordedAt));
      this.#recordedAt = Infinity; // a readback is submitted without being recorded here
    });
  }

  #time<K extends string>(
    share: HostShare,
    target: Record<K, unknown>,
    name: K,
    after: (end: number) => void = () => undefined,
    before: (start: number) => void = () => undefined,
  ): void {
    const original = target[name] as (...args: unknown[]) => unknown;
    const micros = this.#micros;
    const nest = (us: number) => [this.#nested, (this.#nested = us)][0];
    const timed = function (this: unknown, ...args: unknown[]): unknown {
      const outer = nest(0);
      const start = performance.now();
      before(start);
      const result = original.apply(this, args);
      const end = performance.now();
      const us = 1000 * (end - start);
      micros[share] += us - nest(outer + us);
      after(end);
      return result;
    };
    target[name] = Object.assign(timed, original);
    this.#undo.push(() => (target[name] = original));
  }

  stop(): Record<HostShare, number> {
    for (const undo of this.#undo) undo();
    return this.#micros;
  }
}

/** The dispatches of a window of `nSteps` steps in the middle of the tutorial's schedule. */
export async function captureSteps({ trainer, gpu, data }: CollabLearner, nSteps: number): Promise<Dispatch[]> {
  const { stepper, stepsPerEpoch } = trainer;
  const whole = schedule(Math.max(EPOCHS * stepsPerEpoch, 2 * nSteps));
  await stepper.begin(whole, WARM_STEPS);
  const key = trainer.order.key?.(0);
  const batches = {
    get order() {
      return trainer.order(0);
    },
    key,
    start: Uint32Array.from({ length: nSteps + 1 }, (_, s) => s * data.batchSize),
  };
  return capture(gpu, () => stepper.run(batches, whole.lr.length >> 1));
}

export function byKernel(dispatches: readonly Dispatch[]): Map<string, Dispatch[]> {
  const groups = new Map<string, Dispatch[]>();
  for (const dispatch of dispatches) {
    const name = kernelStem(dispatch);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name)!.push(dispatch);
  }
  return groups;
}

/** Parts of the device's work by kernel; all others are `step`. */
const PART_OF: Readonly<Record<string, string>> = {
  lazyEnter: 'enter',
  lossSums: 'losses',
  draw: 'draw',
  copies: 'copies',
  rank: 'sort',
  countDigits: 'sort',
  scanDigits: 'sort',
  scatterDigits: 'sort',
  fill: 'fill',
};
/** What is done for every row, once in a submission; all else is proportional to the ratings. */
const PER_WINDOW: readonly string[] = ['lazyEnter', 'copies'];

/** Microseconds per training step of each part of the device's work, each kernel timed alone on a window of some of the steps. */
export async function profileDevice(
  learn: CollabLearner,
  clock: PassClock,
  nSteps: number,
  passUs: number,
): Promise<Record<string, number>> {
  const parts: Record<string, number> = {};
  for (const [kernel, dispatches] of byKernel(await captureSteps(learn, nSteps))) {
    const { median } = await clock.usEach(1, (recorder) => replay(recorder, dispatches), 2, passUs);
    const part = PART_OF[kernel] ?? 'step';
    parts[part] = (parts[part] ?? 0) + median / (PER_WINDOW.includes(kernel) ? learn.trainer.maxSteps : nSteps);
  }
  return parts;
}
