import type { SingleBar } from 'cli-progress';
import { thousands } from '../../base/count.js';
import { isSilent } from '../process/terminal.js';

/** A bar for the epoch under way, on stderr, gone when the epoch's line is printed. */
export interface Progress {
  /** `done` of the epoch's `total` steps. */
  update(done: number, total: number, trainLoss: number): void;
  clear(): void;
}

const silent: Progress = { update() {}, clear() {} };

/** A progress bar with loss and speed; one that shows nothing unless stderr is a terminal. */
export async function trainingProgress(batchSize: number, quiet: boolean): Promise<Progress> {
  if (quiet || isSilent() || process.stderr.isTTY !== true) return silent;
  const {
    default: { SingleBar },
  } = await import('cli-progress');
  const options = { format: '[{bar}] {value}/{total} steps  loss {loss}  {rate}', clearOnComplete: true, barsize: 30 };
  let bar: SingleBar | undefined;
  let started = performance.now();
  return {
    update(done, total, trainLoss) {
      if (bar === undefined) {
        bar = new SingleBar(options);
        bar.start(total, 0, { loss: '', rate: '' });
      }
      const perSecond = (1000 * done * batchSize) / (performance.now() - started);
      bar.update(done, { loss: trainLoss.toFixed(4), rate: `${thousands(Math.round(perSecond))} ratings/s` });
    },
    clear() {
      bar?.stop();
      bar = undefined;
      started = performance.now();
    },
  };
}

/** A line that says what is done now and with how many ratings, on stderr, if that is a terminal. */
export async function stageProgress(quiet: boolean): Promise<{ update(stage: string, nRatings: number): void; clear(): void }> {
  if (quiet || isSilent() || process.stderr.isTTY !== true) return { update() {}, clear() {} };
  const {
    default: { SingleBar },
  } = await import('cli-progress');
  let bar: SingleBar | undefined;
  return {
    update(stage, nRatings) {
      const values = { stage, ratings: thousands(nRatings) };
      if (bar !== undefined) return bar.update(0, values);
      bar = new SingleBar({ format: '{ratings} ratings  {stage}  {duration_formatted}', clearOnComplete: true });
      bar.start(1, 0, values);
    },
    clear: () => bar?.stop(),
  };
}

/** A bar for work on so many things, such as users, on stderr, if that is a terminal. */
export async function countProgress(what: string, total: number, quiet: boolean): Promise<{ update(done: number): void; clear(): void }> {
  if (quiet || isSilent() || process.stderr.isTTY !== true) return { update() {}, clear() {} };
  const {
    default: { SingleBar },
  } = await import('cli-progress');
  const format = `[{bar}] {value}/{total} ${what}  {eta_formatted} left`;
  const bar = new SingleBar({ format, clearOnComplete: true, barsize: 30, etaBuffer: 50 });
  bar.start(total, 0);
  return { update: (done) => bar.update(done), clear: () => bar.stop() };
}

/** A bar for a download, in megabytes, on stderr, if that is a terminal. */
export async function downloadProgress(quiet: boolean): Promise<{ update(bytes: number, total: number | undefined): void; clear(): void }> {
  if (quiet || isSilent() || process.stderr.isTTY !== true) return { update() {}, clear() {} };
  const {
    default: { SingleBar },
  } = await import('cli-progress');
  let bar: SingleBar | undefined;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return {
    update(bytes, total = bytes) {
      const values = { done: megabytes(bytes), all: megabytes(total) };
      if (bar === undefined) {
        bar = new SingleBar({ format: '[{bar}] {done} of {all} MB  {eta_formatted} left', clearOnComplete: true, barsize: 30 });
        bar.start(total, bytes, values);
      } else bar.update(bytes, values);
    },
    clear: () => bar?.stop(),
  };
}
