import { type Command, Option } from 'commander';
import { CollabData, type RatingColumns } from '../../data/collab-data.js';
import { randomSplit } from '../../data/split.js';
import type { Id } from '../../data/ids.js';
import type { OpenedRatings } from '../../node/ratings/default-data.js';
import type { ColumnChoice, ReadRatingsOptions, Skipped } from '../../node/ratings/ratings-file.js';
import { UsageError } from '../process/errors.js';
import { integer, range, seed, share } from './numbers.js';

/** Which ratings, and how to read them. */
export interface SourceFlags {
  data?: string | undefined;
  trainFile?: string | undefined;
  validFile?: string | undefined;
  userColumn?: ColumnChoice | undefined;
  itemColumn?: ColumnChoice | undefined;
  ratingColumn?: ColumnChoice | undefined;
  ratingRange?: [lo: number, hi: number] | undefined;
  delimiter?: string | undefined;
  header: boolean;
  skipBadRows?: boolean | undefined;
  textIds?: boolean | undefined;
}

/** How ratings are split and trained on. */
export interface SplitFlags {
  validPct: number;
  seed: number;
  batchSize: number;
}

/** Which ratings, how to read them and how to split them. */
export type DataFlags = SourceFlags & SplitFlags;

/** Adds `DataFlags`. */
export function addDataOptions(command: Command): Command {
  return addSourceOptions(addSplitOptions(command));
}

/** Adds `SplitFlags`. */
export function addSplitOptions(command: Command): Command {
  return command
    .option('--valid-pct <x>', 'share of the ratings kept for validation', share, 0.1)
    .option('--seed <n>', 'decides the split, the starting values and the order of the ratings', seed, 42)
    .option('--batch-size <n>', 'ratings per training step', integer(1, 10_000_000), 64);
}

/** Adds `SourceFlags`. */
export function addSourceOptions(command: Command): Command {
  return command
    .option(
      '--data <path>',
      "ratings: a file (CSV, TSV, '::', each also gzipped; Parquet), a MovieLens folder, a pattern such as 'part-*.csv', " +
        "'planted' for a synthetic set, or - for standard input " +
        '(default: MovieLens-100K from MOVIELENS_DIR, the cache or the network; failing these, the synthetic set)',
    )
    .addOption(new Option('--train-file <path>', 'ratings to train on, if they are split already').conflicts(['data', 'validPct']))
    .addOption(new Option('--valid-file <path>', 'ratings to validate on, with --train-file').conflicts(['data', 'validPct']))
    .option('--user-column <name>', 'column of the users: its name, or its position from 0 (default: found by its name, else 0)', column)
    .option('--item-column <name>', 'column of the items (default: found by its name, else 1)', column)
    .option('--rating-column <name>', 'column of the ratings (default: found by its name, else 2)', column)
    .option('--rating-range <lo,hi>', 'refuse ratings outside this range (default: any number is a rating)', range)
    .option('--delimiter <text>', 'what separates the fields (default: detected)')
    .option('--no-header', 'the first line is data (default: detected)')
    .option('--skip-bad-rows', 'leave malformed rows out and count them, instead of stopping at the first')
    .option('--text-ids', 'take ids as text, even if all are whole numbers');
}

const column = (text: string): ColumnChoice => (/^\d+$/.test(text) ? Number(text) : text);

/** Ratings as they were read: to be split, or split already. */
export type NamedRatings = {
  name: string;
  /** Which data these are: a sentence. */
  source: string;
  titles?: Map<Id, string> | undefined;
} & ({ columns: RatingColumns; bestMse?: OpenedRatings['bestMse'] | undefined } | { train: RatingColumns; valid: RatingColumns });

/** Reads the ratings that the flags name. Throws DataError, RangeError or TypeError with a sentence for the user. */
export async function readNamed(flags: SourceFlags): Promise<NamedRatings> {
  const { data: path, trainFile, validFile } = flags;
  const options = readerOptions(flags);
  // Loaded only here: the reader's database takes a while.
  if (trainFile !== undefined && validFile !== undefined) {
    const { readSplit } = await import('../../node/ratings/ratings-file.js');
    const split = await readSplit(trainFile, validFile, options);
    return { ...split, source: `${trainFile} and ${validFile}.${leftOut(split)}` };
  }
  if (trainFile !== undefined || validFile !== undefined) {
    const [given, missing] = trainFile === undefined ? ['--valid-file', '--train-file'] : ['--train-file', '--valid-file'];
    throw new UsageError(`${given} needs ${missing} too: one names the ratings to train on, the other those to validate on.`);
  }
  const { openRatings } = await import('../../node/ratings/default-data.js');
  const opened = await openRatings({ ...options, ...(path !== undefined && { data: path }) });
  return { ...opened, source: opened.source + leftOut(opened) };
}

/** Data to train on, and what to say of them. */
export interface SourcedData {
  data: CollabData;
  /** Which data these are: a sentence. */
  source: string;
  /** The lowest validation MSE that any model can reach, where it is known. */
  bestMse?: number | undefined;
}

/** Reads the ratings that the flags name, and splits them unless they are split already. Throws as `readNamed`. */
export async function readData(flags: DataFlags): Promise<SourcedData> {
  const { validPct, seed: splitSeed, batchSize } = flags;
  const ratings = await readNamed(flags);
  const { source, name, titles } = ratings;
  const options = { seed: splitSeed, batchSize, name, ...(titles && { titles }) };
  if ('train' in ratings) return { data: CollabData.fromSplit(ratings.train, ratings.valid, options), source };
  const { columns, bestMse } = ratings;
  const data = CollabData.fromArrays(columns, { ...options, validPct });
  if (bestMse === undefined || data.nValid === 0) return { data, source };
  return { data, source, bestMse: bestMse(randomSplit(columns.ratings.length, validPct, splitSeed).valid) };
}

function readerOptions(flags: SourceFlags): ReadRatingsOptions {
  const { userColumn, itemColumn, ratingColumn, ratingRange, delimiter, header, skipBadRows, textIds } = flags;
  return {
    ...(userColumn !== undefined && { userColumn }),
    ...(itemColumn !== undefined && { itemColumn }),
    ...(ratingColumn !== undefined && { ratingColumn }),
    ...(ratingRange !== undefined && { ratingRange }),
    ...(delimiter !== undefined && { delimiter }),
    ...(!header && { header }),
    ...(skipBadRows && { skipBadRows }),
    ...(textIds && { textIds }),
  };
}

/** What to add to the name of a source of which rows were left out. */
function leftOut({ skipped, skippedExamples }: Skipped): string {
  if (skipped === 0) return '';
  return ` ${skipped} malformed ${skipped === 1 ? 'row' : 'rows'} left out, the first: ${skippedExamples[0]}`;
}
