import type { Command } from 'commander';
import { MAX_STEPS } from '../../base/check.js';
import { integer, positive } from './numbers.js';

/** How long and how fast to train. */
export interface FitFlags {
  epochs: number;
  lr: number;
}

/** Adds `FitFlags`. */
export function addFitOptions(command: Command): Command {
  return command
    .option('--epochs <n>', 'passes over the training ratings', integer(1, MAX_STEPS), 5)
    .option('--lr <x>', 'highest learning rate of the 1-cycle schedule', positive, 0.01);
}

/**
 * @param nModels those of an ensemble, whose histories are in memory together
 * @throws RangeError if the epochs have more steps than a fit may have, with the most that these data allow
 */
export function checkEpochs(epochs: number, stepsPerEpoch: number, nModels = 1): void {
  if (epochs * stepsPerEpoch * nModels <= MAX_STEPS) return;
  const most = Math.max(1, Math.floor(MAX_STEPS / stepsPerEpoch / nModels));
  const which = nModels === 1 ? 'a fit has' : `the ${nModels} models of an ensemble have`;
  throw new RangeError(
    `epochs must be at most ${most} here, not ${epochs}: ` +
      `${which} at most ${MAX_STEPS} steps, and an epoch of these ratings has ${stepsPerEpoch}.`,
  );
}
