import { join } from 'node:path';
import type { Command } from 'commander';
import { thousands } from '../../base/count.js';
import type { DuplicateChoice } from '../../data/duplicates.js';
import { inputFiles } from '../../node/ratings/input-files.js';
import { MANIFEST_FILE, MAX_STRATA, total } from '../../node/ratings/manifest.js';
import { checkPreparedFolder, prepareRatings } from '../../node/ratings/prepare.js';
import { noteReading } from '../options/data.js';
import { integer, positive, seed, share } from '../options/numbers.js';
import { checkFiles } from '../options/outputs.js';
import { addReadingOptions, type ReadingFlags, readingOptions } from '../options/reading.js';
import { DEFAULT_VALID_PCT, duplicatesOption } from '../options/split.js';
import { stageProgress } from '../print/progress.js';
import { UsageError } from '../process/errors.js';
import { print } from '../process/terminal.js';

interface PrepareFlags extends ReadingFlags {
  out: string;
  strata: number;
  validPct: number;
  seed: number;
  duplicates?: DuplicateChoice | undefined;
  memory: number;
  threads?: number | undefined;
  quiet?: boolean | undefined;
}

/** Adds `dotbias prepare`. */
export function addPrepare(program: Command): void {
  const command = program
    .command('prepare <ratings...>')
    .summary('split ratings into blocks, for a training on many machines')
    .description(
      'Splits ratings and writes them as Parquet files, one for each block of users and of items, so that each rank of a training ' +
        "reads only its own: 'dotbias train --data FOLDER'. It needs DuckDB, and not the memory for all ratings. See docs/prepare.md.",
    )
    .requiredOption('--out <dir>', 'the folder to write: a new one, or one with prepared ratings, which are replaced')
    .option('--strata <n>', 'blocks of users, and of items', integer(1, MAX_STRATA), 8)
    .option('--valid-pct <x>', 'share of the ratings kept for validation', share, DEFAULT_VALID_PCT)
    .option('--seed <n>', 'decides the split', seed, 42)
    .addOption(duplicatesOption())
    .option('--memory <GB>', 'memory that DuckDB may use; what exceeds it goes to the folder meanwhile', positive, 2)
    .option('--threads <n>', 'threads of DuckDB (default: one for each core)', integer(1, 1024))
    .option('--quiet', 'print only the final result');
  addReadingOptions(command).action(prepare);
}

async function prepare(ratings: string[], flags: PrepareFlags): Promise<void> {
  const { out, strata, validPct, seed: splitSeed, duplicates, memory, threads, quiet = false } = flags;
  if (out === '') throw new UsageError('--out is given an empty name.');
  await checkPreparedFolder(out);
  const reads = { '': (await Promise.all(ratings.map(inputFiles))).flat() };
  await checkFiles({ reads, writes: { '--out': join(out, MANIFEST_FILE) } });
  const progress = await stageProgress(quiet);
  const split = { strata, validPct, seed: splitSeed, duplicates };
  const limits = { memory: memory * 1e9, threads };
  try {
    const report = await prepareRatings(ratings, out, { ...readingOptions(flags), ...split, ...limits, onProgress: progress.update });
    progress.clear();
    noteReading(report);
    const { train, valid, users, items, name } = report.manifest;
    const [nTrain, nValid, nUsers, nItems] = [train, valid, users, items].map(({ blocks }) => total(blocks));
    print(
      `${name}: ${thousands(nTrain)} training and ${thousands(nValid)} validation ratings of ${thousands(nItems - 1)} items by ` +
        `${thousands(nUsers - 1)} users, in ${strata} ${strata === 1 ? 'stratum' : 'strata'}, written to ${out}`,
    );
  } finally {
    progress.clear();
  }
}
