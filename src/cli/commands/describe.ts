import { join } from 'node:path';
import type { Command } from 'commander';
import type { RatingColumns } from '../../data/collab-data.js';
import { describeRatings, type RatingsDescription } from '../../data/describe.js';
import type { Id } from '../../data/ids.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { popularityPlotData, ratingPlotData } from '../../plots/ratings-plots.js';
import { addSourceOptions, type NamedRatings, readNamed, type SourceFlags } from '../options/data.js';
import { inputsOf } from '../options/inputs.js';
import { integer } from '../options/numbers.js';
import { checkFiles } from '../options/outputs.js';
import { descriptionLines } from '../print/description.js';
import { print, printJson, printLines } from '../process/terminal.js';

interface DescribeFlags extends SourceFlags {
  cold: number;
  plots?: string | undefined;
  json?: boolean | undefined;
}

const FILES = ['popularity.svg', 'ratings.svg'];

/** Adds `dotbias describe`. */
export function addDescribe(program: Command): void {
  const command = program
    .command('describe')
    .summary('say what ratings there are')
    .description(
      'Counts users, items and ratings before anything is trained: density, duplicates, the scale of the ratings, their time span, ' +
        'users and items with few ratings, and how unevenly the ratings fall on the items. It needs no device.',
    );
  addSourceOptions(command)
    .option('--cold <n>', 'a user or an item with fewer ratings than this is cold', integer(1, 1_000_000_000), 5)
    .option('--plots <dir>', `draw the popularity of the items and the ratings as SVG files: ${FILES.join(', ')}`)
    .option('--json', 'print the numbers as JSON')
    .action(describe);
}

async function describe(flags: DescribeFlags): Promise<void> {
  const { cold, plots: dir } = flags;
  const written = dir === undefined ? [] : FILES.map((name) => dir && join(dir, name));
  await checkFiles({ reads: await inputsOf(flags), writes: { '--plots': written } });
  const ratings = await readNamed(flags);
  const description = describeRatings(columnsOf(ratings), { coldBelow: cold });
  if (dir !== undefined) await writePlots(description, dir);
  const { itemCounts: _, ...numbers } = description;
  if (flags.json) printJson({ source: ratings.source, ...numbers });
  else printLines(descriptionLines(ratings.source, description));
  if (dir !== undefined && !flags.json) print(`Plots in ${dir}: ${FILES.join(', ')}`);
}

async function writePlots(description: RatingsDescription, dir: string): Promise<void> {
  const { plotSvg } = await import('../../node/plots/svg.js');
  const [popularity, ratings] = FILES;
  await writeFileAtomic(join(dir, popularity), await plotSvg(popularityPlotData(description)));
  await writeFileAtomic(join(dir, ratings), await plotSvg(ratingPlotData(description)));
}

/** All ratings, whether they are split already or not. */
function columnsOf(ratings: NamedRatings): RatingColumns {
  if (!('train' in ratings)) return ratings.columns;
  const { train, valid } = ratings;
  const joined = <T>(a: ArrayLike<T>, b: ArrayLike<T>): T[] =>
    Array.from({ length: a.length + b.length }, (_, k) => (k < a.length ? a[k] : b[k - a.length]));
  return {
    users: joined<Id>(train.users, valid.users),
    items: joined<Id>(train.items, valid.items),
    ratings: joined(train.ratings, valid.ratings),
    ...(train.timestamps && valid.timestamps && { timestamps: joined(train.timestamps, valid.timestamps) }),
  };
}
