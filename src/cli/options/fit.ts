import type { Command } from 'commander';
import { integer, positive } from './numbers.js';

/** How long and how fast to train. */
export interface FitFlags {
  epochs: number;
  lr: number;
}

export function addFitOptions(command: Command): Command {
  return command
    .option('--epochs <n>', 'passes over the training ratings', integer(1), 5)
    .option('--lr <x>', 'highest learning rate of the 1-cycle schedule', positive, 0.01);
}
