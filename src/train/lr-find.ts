import { checkOptions } from '../base/check.js';
import { lrFinderResult, type LrFinderResult } from '../schedule/lr-finder.js';
import { lrSweep } from '../schedule/schedule.js';
import type { FittedLearner } from './fit.js';

/** The sweep of `lrFind`: `numIt` (100) steps from `startLr` (1e-7) to `endLr` (10). */
export interface LrFindOptions {
  startLr?: number | undefined;
  endLr?: number | undefined;
  numIt?: number | undefined;
  /** False: run all steps even if the loss explodes. Default true. */
  stopDiv?: boolean | undefined;
}

/**
 * Checks the options of a learning-rate range test, and gives the work itself.
 * @param beta1 in force throughout
 */
export function lrFinder({ embeddings, trainer }: FittedLearner, beta1: number, options: LrFindOptions): () => Promise<LrFinderResult> {
  checkOptions('lrFind', options, ['startLr', 'endLr', 'numIt', 'stopDiv']);
  const { startLr = 1e-7, endLr = 10, numIt = 100, stopDiv = true } = options;
  const schedule = lrSweep({ startLr, endLr, numIt, beta1 });
  return async () => {
    const state = await embeddings.readState();
    const { stepCount, epochCount } = trainer;
    const losses: number[] = [];
    try {
      await trainer.fit(schedule, { onSteps: (_, chunk) => chunk.forEach((loss) => losses.push(loss)), stopOnNaN: false });
    } finally {
      embeddings.writeState(state);
      Object.assign(trainer, { stepCount, epochCount });
    }
    return lrFinderResult(schedule.lr, losses, { numIt, stopDiv });
  };
}
