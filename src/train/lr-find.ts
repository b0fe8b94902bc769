import { checkOptions } from '../base/check.js';
import { lrFinderResult, type LrFinderResult, SweepWatch } from '../schedule/lr-finder.js';
import { lrSweep } from '../schedule/schedule.js';
import type { FittedLearner, StepsProgress } from './fit.js';

/** The sweep of `lrFind`: `numIt` (100) steps from `startLr` (1e-7) to `endLr` (10). */
export interface LrFindOptions {
  startLr?: number | undefined;
  endLr?: number | undefined;
  numIt?: number | undefined;
  /** False: run all steps even if the loss explodes. Default true. */
  stopDiv?: boolean | undefined;
  /** Called after every submission with its losses and learning rates; joined, these are those of the result. */
  onProgress?: ((progress: StepsProgress) => void) | undefined;
  /** Ends the sweep before its next submission; `lrFind` then throws the signal's reason, and leaves everything as it was. */
  signal?: AbortSignal | undefined;
}

/**
 * Checks the options of a learning-rate range test, and gives the work itself.
 * @param beta1 in force throughout
 */
export function lrFinder({ embeddings, trainer }: FittedLearner, beta1: number, options: LrFindOptions): () => Promise<LrFinderResult> {
  checkOptions('lrFind', options, ['startLr', 'endLr', 'numIt', 'stopDiv', 'onProgress', 'signal']);
  const { startLr = 1e-7, endLr = 10, numIt = 100, stopDiv = true, onProgress, signal } = options;
  const schedule = lrSweep({ startLr, endLr, numIt, beta1 });
  return async () => {
    const state = await embeddings.readState();
    const { stepCount, epochCount } = trainer;
    const losses: number[] = [];
    const watch = new SweepWatch(stopDiv);
    const onSteps = (firstStep: number, batchLosses: Float32Array) => {
      batchLosses.forEach((loss) => losses.push(loss));
      const smoothLosses = watch.push(batchLosses);
      const step = firstStep + smoothLosses.length;
      if (step === firstStep) return;
      onProgress?.({
        firstStep,
        step,
        totalSteps: schedule.lr.length,
        losses: Float32Array.from(batchLosses.subarray(0, smoothLosses.length)),
        lrs: schedule.lr.slice(firstStep, step),
        smoothLosses,
      });
    };
    try {
      await trainer.fit(schedule, { onSteps, signal, stopOnNaN: false });
    } finally {
      embeddings.writeState(state);
      Object.assign(trainer, { stepCount, epochCount });
    }
    if (losses.length < schedule.lr.length) signal!.throwIfAborted();
    return lrFinderResult(schedule.lr, losses, { numIt, stopDiv });
  };
}
