import type { Options, SingleBar } from 'cli-progress';
import { thousands } from '../../base/count.js';
import { isSilent } from '../process/terminal.js';

/** A bar for the epoch under way, on stderr, gone when the epoch's line is printed. */
export interface Progress {
  /** `done` of the epoch's `total` steps. */
  update(done: number, total: number, trainLoss: number): void;
  clear(): void;
}

const silent = { update(): void {}, clear(): void {} };

/** Makes a bar that goes when it ends; undefined where none is to be seen: stderr is no terminal, or another process speaks. */
async function bars(quiet: boolean): Promise<((options: Options) => SingleBar) | undefined> {
  if (quiet || isSilent() || process.stderr.isTTY !== true) return undefined;
  const { default: progress } = await import('cli-progress');
  return (options) => new progress.SingleBar({ clearOnComplete: true, barsize: 30, ...options });
}

/** A progress bar with loss and speed; one that shows nothing unless stderr is a terminal. */
export async function trainingProgress(batchSize: number, quiet: boolean): Promise<Progress> {
  const newBar = await bars(quiet);
  if (newBar === undefined) return silent;
  const options = { format: '[{bar}] {value}/{total} steps  loss {loss}  {rate}' };
  let bar: SingleBar | undefined;
  let started = performance.now();
  return {
    update(done, total, trainLoss) {
      if (bar === undefined) {
        bar = newBar(options);
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
  const newBar = await bars(quiet);
  if (newBar === undefined) return silent;
  let bar: SingleBar | undefined;
  return {
    update(stage, nRatings) {
      const values = { stage, ratings: thousands(nRatings) };
      if (bar !== undefined) return bar.update(0, values);
      bar = newBar({ format: '{ratings} ratings  {stage}  {duration_formatted}' });
      bar.start(1, 0, values);
    },
    clear: () => bar?.stop(),
  };
}

/** A bar for work on so many things, such as users, on stderr, if that is a terminal. */
export async function countProgress(what: string, total: number, quiet: boolean): Promise<{ update(done: number): void; clear(): void }> {
  const newBar = await bars(quiet);
  if (newBar === undefined) return silent;
  const format = `[{bar}] {value}/{total} ${what}  {eta_formatted} left`;
  const bar = newBar({ format, etaBuffer: 50 });
  bar.start(total, 0);
  return { update: (done) => bar.update(done), clear: () => bar.stop() };
}

/** A bar for a download, in megabytes, on stderr, if that is a terminal. */
export async function downloadProgress(quiet: boolean): Promise<{ update(bytes: number, total: number | undefined): void; clear(): void }> {
  const newBar = await bars(quiet);
  if (newBar === undefined) return silent;
  let bar: SingleBar | undefined;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  return {
    update(bytes, total = bytes) {
      const values = { done: megabytes(bytes), all: megabytes(total) };
      if (bar === undefined) {
        bar = newBar({ format: '[{bar}] {done} of {all} MB  {eta_formatted} left' });
        bar.start(total, bytes, values);
      } else bar.update(bytes, values);
    },
    clear: () => bar?.stop(),
  };
}
