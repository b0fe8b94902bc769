import { type Command, Option } from 'commander';
import { CollabData, randomSplit } from '../../data/collab-data.js';
import type { ColumnChoice, ReadRatingsOptions, Skipped } from '../../node/ratings/ratings-file.js';
import { integer, range, share } from './numbers.js';

/** Which ratings, and how to read them. */
export interface SourceFlags {
  data?: string;
  trainFile?: string;
  validFile?: string;
  userColumn?: ColumnChoice;
  itemColumn?: ColumnChoice;
  ratingColumn?: ColumnChoice;
  ratingRange?: [lo: number, hi: number];
  delimiter?: string;
  header: boolean;
  skipBadRows?: boolean;
  textIds?: boolean;
}

/** How ratings are split and trained on. */
export interface SplitFlags {
  validPct: number;
  seed: number;
  batchSize: number;
}

export type DataFlags = SourceFlags & SplitFlags;

/** Ratings, and what to say of them. */
export interface SourcedData {
  data: CollabData;
  /** Which data these are: a sentence. */
  source: string;
  /** The least validation MSE that any model can reach, where that is known. */
  bestMse?: number;
}

export function addDataOptions(command: Command): Command {
  return addSourceOptions(addSplitOptions(command));
}

export function addSplitOptions(command: Command): Command {
  return command
    .option('--valid-pct <x>', 'share of the ratings kept for validation', share, 0.1)
    .option('--seed <n>', 'decides the split, the starting values and the order of the ratings', integer(0, 0xffffffff), 42)
    .option('--batch-size <n>', 'ratings per training step', integer(1), 64);
}

export function addSourceOptions(command: Command): Command {
  return command
    .option(
      '--data <path>',
      "ratings: a file (CSV, TSV, '::', each also gzipped; Parquet), a MovieLens folder, a pattern such as 'part-*.csv', 'planted' for a synthetic set, or - for standard input (default: MovieLens-100K of MOVIELENS_DIR, of the cache or downloaded; else the synthetic set)",
    )
    .addOption(new Option('--train-file <path>', 'ratings to train on, where the split is given').conflicts(['data', 'validPct']))
    .addOption(new Option('--valid-file <path>', 'ratings to validate on, with --train-file').conflicts(['data', 'validPct']))
    .option('--user-column <name>', 'name, or position from 0, of the column of users (default: found by its name, else 0)', column)
    .option('--item-column <name>', 'of the items (default: found by its name, else 1)', column)
    .option('--rating-column <name>', 'of the ratings (default: found by its name, else 2)', column)
    .option('--rating-range <lo,hi>', 'refuse ratings outside (default: any number is a rating)', range)
    .option('--delimiter <text>', 'separator of the fields (default: found out)')
    .option('--no-header', 'the first line is data (default: found out)')
    .option('--skip-bad-rows', 'leave malformed rows out and count them, instead of stopping at the first')
    .option('--text-ids', 'take ids as text, even where all are whole numbers');
}

const column = (text: string): ColumnChoice => (/^\d+$/.test(text) ? Number(text) : text);

/** Reads the ratings that the flags name. Throws DataError, RangeError or TypeError with a sentence for the user. */
export async function readData(flags: DataFlags): Promise<SourcedData> {
  const { data: path, trainFile, validFile, validPct, seed, batchSize } = flags;
  if ((trainFile === undefined) !== (validFile === undefined)) {
    throw new TypeError(
      `--${trainFile ? 'train' : 'valid'}-file needs --${trainFile ? 'valid' : 'train'}-file too: one names the ratings to train on, the other those to validate on.`,
    );
  }
  // Loaded only now, while the device opens: the reader's database takes a while.
  const [{ openRatings }, { readSplit }] = await Promise.all([
    import('../../node/ratings/default-data.js'),
    import('../../node/ratings/ratings-file.js'),
  ]);
  const common = { seed, batchSize };
  if (trainFile !== undefined && validFile !== undefined) {
    const { train, valid, name, titles, ...skipped } = await readSplit(trainFile, validFile, readerOptions(flags));
    const data = CollabData.fromSplit(train, valid, { ...common, name, ...(titles && { titles }) });
    return { data, source: `${trainFile} and ${validFile}.${leftOut(skipped)}` };
  }
  const { columns, name, source, titles, bestMse, ...skipped } = await openRatings({
    ...readerOptions(flags),
    ...(path !== undefined && { data: path }),
  });
  const data = CollabData.fromArrays(columns, { ...common, validPct, name, ...(titles && { titles }) });
  const floor = bestMse && data.nValid > 0 ? { bestMse: bestMse(randomSplit(columns.ratings.length, validPct, seed).valid) } : {};
  return { data, source: source + leftOut(skipped), ...floor };
}

/** The second line of a run. */
export function dataLine({ data, source }: SourcedData): string {
  const n = (count: number) => count.toLocaleString('en');
  return `Data: ${source} ${n(data.nTrain)} training and ${n(data.nValid)} validation ratings of ${n(data.nItems - 1)} items by ${n(data.nUsers - 1)} users.`;
}

export function readerOptions({
  userColumn,
  itemColumn,
  ratingColumn,
  ratingRange,
  delimiter,
  header,
  skipBadRows,
  textIds,
}: SourceFlags): ReadRatingsOptions {
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
export function leftOut({ skipped, skippedExamples }: Skipped): string {
  if (skipped === 0) return '';
  return ` ${skipped} malformed ${skipped === 1 ? 'row' : 'rows'} left out, the first: ${skippedExamples[0]}`;
}
