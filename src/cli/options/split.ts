import { type Command, Option } from 'commander';
import { type DuplicateChoice, DUPLICATES } from '../../data/duplicates.js';
import { integer, seed, share } from './numbers.js';

/** How ratings are split and trained on. */
export interface SplitFlags {
  /** Undefined: `DEFAULT_VALID_PCT`, or what ratings were prepared with. */
  validPct?: number | undefined;
  seed: number;
  /** Undefined: 64, or all training ratings if they are fewer. */
  batchSize?: number | undefined;
  duplicates?: DuplicateChoice | undefined;
}

/** Share kept for validation where nothing else is asked for. */
export const DEFAULT_VALID_PCT = 0.1;

/** Adds `SplitFlags`. @param validPct the default where no ratings can have been prepared */
export function addSplitOptions(command: Command, validPct?: number): Command {
  const pct = `share of the ratings kept for validation${validPct === undefined ? ` (default: ${DEFAULT_VALID_PCT})` : ''}`;
  return command
    .option('--valid-pct <x>', pct, share, validPct)
    .option('--seed <n>', 'decides the split, the starting values and the order of the ratings', seed, 42)
    .option(
      '--batch-size <n>',
      'ratings per training step (default: 64, or all training ratings if they are fewer)',
      integer(1, 10_000_000),
    )
    .addOption(duplicatesOption());
}

/** What to do with ratings of the same pair. */
export function duplicatesOption(): Option {
  return new Option(
    '--duplicates <choice>',
    'where a user rates an item several times: keep each rating, keep the last by time or else by row, take their mean, ' +
      'or stop with an error (default: keep)',
  ).choices(DUPLICATES);
}
