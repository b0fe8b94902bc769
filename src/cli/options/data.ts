import { type Command, Option } from 'commander';
import { counted } from '../../base/count.js';
import { ALONE, type Ring } from '../../base/ring.js';
import { CollabData, type RatingColumns } from '../../data/collab-data.js';
import { randomSplit } from '../../data/split.js';
import type { Id } from '../../data/ids.js';
import { type OpenedRatings, openRatings } from '../../node/ratings/default-data.js';
import { isPrepared, openPrepared } from '../../node/ratings/prepared.js';
import { readSplit } from '../../node/ratings/ratings-file.js';
import type { Skipped } from '../../read/ratings-file.js';
import type { SourcedData, SplitBy } from '../print/train-report.js';
import { UsageError } from '../process/errors.js';
import { note } from '../process/terminal.js';
import { addReadingOptions, readingOptions, type ReadingFlags } from './reading.js';
import { addSplitOptions, DEFAULT_VALID_PCT, type SplitFlags } from './split.js';

/** Which ratings, and how to read them. */
export interface SourceFlags extends ReadingFlags {
  data?: string | undefined;
  trainFile?: string | undefined;
  validFile?: string | undefined;
}

/** Which ratings, how to read them and how to split them. */
export type DataFlags = SourceFlags & SplitFlags;

/** Adds `DataFlags`. */
export function addDataOptions(command: Command): Command {
  return addSourceOptions(addSplitOptions(command));
}

/** Adds `SourceFlags`. */
export function addSourceOptions(command: Command): Command {
  command
    .option(
      '--data <path>',
      "ratings: a file (CSV, TSV, '::', JSON lines, Parquet, each also gzipped), a MovieLens folder or zip archive, " +
        "a pattern such as 'part-*.csv', " +
        "a folder that 'dotbias prepare' made, 'planted' for a synthetic set, or - for standard input " +
        '(default: MovieLens-100K from MOVIELENS_DIR, the cache or the network; failing these, the synthetic set)',
    )
    .addOption(new Option('--train-file <path>', 'ratings to train on, if they are split already').conflicts(['data', 'validPct']))
    .addOption(new Option('--valid-file <path>', 'ratings to validate on, with --train-file').conflicts(['data', 'validPct']));
  return addReadingOptions(command);
}

/** Ratings as they were read: to be split, or split already. */
export type NamedRatings = {
  name: string;
  /** Which data these are: a sentence. */
  source: string;
  titles?: Map<Id, string> | undefined;
  /** What was read as one may not expect, see `Skipped`. */
  notes: string[];
} & ({ columns: RatingColumns; bestMse?: OpenedRatings['bestMse'] | undefined } | { train: RatingColumns; valid: RatingColumns });

/** Reads the ratings that the flags name. Throws DataError, RangeError or TypeError with a sentence for the user. */
export async function readNamed(flags: SourceFlags): Promise<NamedRatings> {
  const { data: path, trainFile, validFile } = flags;
  const options = readingOptions(flags);
  if (trainFile !== undefined && validFile !== undefined) {
    const split = await readSplit(trainFile, validFile, options);
    noteReading(split);
    return { ...split, source: `${trainFile} and ${validFile}.` };
  }
  if (trainFile !== undefined || validFile !== undefined) {
    const [given, missing] = trainFile === undefined ? ['--valid-file', '--train-file'] : ['--train-file', '--valid-file'];
    throw new UsageError(`${given} needs ${missing} too: one names the ratings to train on, the other those to validate on.`);
  }
  if (path !== undefined && (await isPrepared(path))) {
    throw new UsageError(`${path} holds prepared ratings, which are split already: only training reads them. Name the ratings themselves.`);
  }
  const opened = await openRatings({ ...options, ...(path !== undefined && { data: path }) });
  noteReading(opened);
  return opened;
}

/**
 * Reads the ratings that the flags name, and splits them unless they are split already. On several ranks each reads its own part of
 * prepared ratings, and of others all. Throws as `readNamed`.
 */
export async function readData(flags: DataFlags & { strata?: number | undefined }, ring = ALONE): Promise<SourcedData> {
  if (flags.data !== undefined && (await isPrepared(flags.data))) return readPrepared(flags, flags.data, ring);
  const { validPct = DEFAULT_VALID_PCT, seed, batchSize, duplicates } = flags;
  const ratings = await readNamed(flags);
  const { source, name, titles } = ratings;
  const options = { seed, batchSize, name, duplicates, ...(titles && { titles }) };
  if ('train' in ratings) return { data: CollabData.fromSplit(ratings.train, ratings.valid, options), split: { by: 'files' }, source };
  const { columns, bestMse } = ratings;
  const data = CollabData.fromArrays(columns, { ...options, validPct });
  const split: SplitBy = { by: 'random', validPct, seed };
  if (bestMse === undefined || data.nValid === 0) return { data, split, source };
  return { data, split, source, bestMse: bestMse(randomSplit(columns.ratings.length, validPct, seed).valid) };
}

/** Ratings that were prepared. Flags that decided them are refused where they are given and differ. */
async function readPrepared(flags: Parameters<typeof readData>[0], dir: string, { rank, size }: Ring): Promise<SourcedData> {
  const prepared = await openPrepared(dir);
  const { name, strata, validPct, seed, duplicates } = prepared.manifest;
  const differs = (flag: string, given: unknown, then: unknown): never => {
    throw new UsageError(
      `${flag} ${String(given)} comes too late: ${dir} was prepared with ${String(then)}. Leave it out, or prepare again.`,
    );
  };
  if (flags.validPct !== undefined && flags.validPct !== validPct) differs('--valid-pct', flags.validPct, validPct);
  if (flags.duplicates !== undefined && flags.duplicates !== duplicates.choice)
    differs('--duplicates', flags.duplicates, duplicates.choice);
  if (Object.values(readingOptions(flags)).some((value) => value !== undefined)) {
    throw new UsageError(`${dir} was read when it was prepared: options that say how to read files are for 'dotbias prepare'.`);
  }
  const options = { seed: flags.seed, batchSize: flags.batchSize };
  const source = `${name}, prepared in ${dir} (${strata} strata; split by --valid-pct ${validPct} --seed ${seed}).`;
  const read = { split: { by: 'prepared', validPct, seed }, source, prepared } as const;
  if (size === 1) return { ...read, data: await prepared.data(options) };
  if (flags.strata !== undefined && flags.strata !== strata) differs('--strata', flags.strata, strata);
  if (strata === 1 || strata % size !== 0) {
    throw new UsageError(
      `${dir} was prepared with --strata ${strata}, and ${size} ranks need a multiple of ${size}: prepare again, or start as many ranks ` +
        'as divide it.',
    );
  }
  const perRank = strata / size;
  return { ...read, data: await prepared.share(rank * perRank, perRank, options) };
}

/** Notes which rows were left out, and what was read as one may not expect. */
export function noteReading({ skipped, skippedExamples, notes }: Skipped): void {
  if (skipped > 0) note(`${counted(skipped, 'malformed row')} left out, the first: ${skippedExamples[0]}`);
  notes.forEach(note);
}
