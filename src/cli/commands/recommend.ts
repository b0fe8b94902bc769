import { type Command, Option } from 'commander';
import type { CollabModel } from '../../answer/collab-model.js';
import type { GivenRating } from '../../answer/given-ratings.js';
import { findUser } from '../../answer/look-up.js';
import { matchRatings } from '../../answer/own-ratings.js';
import type { ModelInfo } from '../../answer/trained-model.js';
import { counted } from '../../base/count.js';
import { asWritten } from '../../base/decimal.js';
import { readRatings } from '../../node/ratings/ratings-file.js';
import { readModelFile } from '../../node/files/model-file.js';
import { TABLE_ENDINGS } from '../../node/export/table.js';
import { noteReading } from '../options/data.js';
import { integer } from '../options/numbers.js';
import { addReadingOptions, type ReadingFlags, readingOptions } from '../options/reading.js';
import { addSavedModelOptions, type SavedModelFlags, withModel } from '../options/saved-model.js';
import { deviceLine } from '../print/head.js';
import { describeList, type Place, type RecommendationList } from '../print/recommendations.js';
import { UsageError } from '../process/errors.js';
import { note, print, printJson, printLines } from '../process/terminal.js';
import { atMost, checkRated, type ListFlags, type ManyUsersFlags, recommendMany } from './recommend-many.js';

interface RecommendFlags extends SavedModelFlags, ReadingFlags, ManyUsersFlags, ListFlags {
  user?: string | undefined;
  ratings?: string | undefined;
  sd?: boolean | undefined;
  json?: boolean | undefined;
}

/** Adds `dotbias recommend`. */
export function addRecommend(program: Command): void {
  const command = program
    .command('recommend')
    .summary('list what a user would like best, or all users')
    .description(
      'Lists the items with the highest predicted ratings for a user of the model, or for a new one with some ratings; ' +
        'or writes the lists of all users, or of many, to a file.',
    );
  addReadingOptions(addSavedModelOptions(command), true)
    .option('--user <id>', 'a user whom training saw')
    .addOption(
      new Option(
        '--ratings <file>',
        "ratings of a new user, read as 'dotbias train' reads ratings (- for standard input). " +
          'It needs the columns item and rating. An item is an id or a title; where ids and titles contradict each other, titles decide',
      ).conflicts('user'),
    )
    .addOption(
      new Option('--all', 'write the lists of all users of the model to the file --out').conflicts([
        'user',
        'ratings',
        'usersFile',
        'sd',
        'json',
      ]),
    )
    .addOption(
      new Option('--users-file <file>', 'as --all, for the users whom a file names, one id on each line (- for standard input)').conflicts([
        'user',
        'ratings',
        'sd',
        'json',
      ]),
    )
    .option('--out <file>', `the file to write, as its name ends: ${TABLE_ENDINGS.join(', ')}`)
    .option('-n <count>', 'length of each list', integer(1, 1_000_000), 10)
    .addOption(new Option('--exclude <what>', 'leave out what the user has rated').choices(['rated', 'none']).default('rated'))
    .addOption(
      new Option(
        '--unknown <what>',
        'what to do with a user or a rated item that training never saw. error: refuse it; ' +
          "mean: predict for an unknown user as for the mean of the trained users, and leave the item out; na: as fastai's #na#",
      )
        .choices(['error', 'mean', 'na'])
        .default('error'),
    )
    .option('--sd', 'with --ratings: say too how far off each prediction is likely to be, as a standard deviation')
    .option('--json', 'print the list as JSON, with all contributions of the ratings of a new user')
    .option('--quiet', 'show no progress')
    .action(recommend);
}

async function recommend(flags: RecommendFlags): Promise<void> {
  if (flags.all || flags.usersFile !== undefined) return recommendMany(flags);
  if (flags.out !== undefined) throw new UsageError('--out is for the lists of many users: add --all or --users-file.');
  if (flags.user === undefined && flags.ratings === undefined) {
    throw new UsageError('Name a user with --user, or a file with the ratings of a new one with --ratings, or all users with --all.');
  }
  if (flags.sd && flags.ratings === undefined) throw new UsageError('--sd is for a new user, whose ratings --ratings names.');
  const saved = await readModelFile(flags.model);
  if (flags.sd && saved.residualVariance === undefined) {
    throw new UsageError(
      `${flags.model} does not say how far off its predictions are, as --sd would: train it anew, with ratings held out for validation.`,
    );
  }
  const given = flags.ratings === undefined ? undefined : await readOwnRatings(saved, flags.ratings, flags);
  if (given === undefined) {
    if (flags.unknown === 'error') findUser(saved, flags.user!);
    checkRated(saved, flags);
  }
  await withModel(saved, flags, async (model, device) => {
    const list = given ? await listForNewUser(model, given, flags) : await listForUser(model, flags.user!, flags);
    if (flags.json) return printJson(list);
    print(deviceLine(device));
    printLines(describeList(list));
  });
}

async function listForUser(model: CollabModel, name: string, { n, exclude, unknown }: RecommendFlags): Promise<RecommendationList> {
  const { users } = model.info;
  const user = users.has(name) ? findUser(model.info, name) : name;
  return { user, recommendations: await model.recommend(user, atMost(model.info, n), { exclude, unknown }) };
}

async function listForNewUser(
  model: CollabModel,
  ratings: readonly GivenRating[],
  { n, exclude, sd: wantsSd }: RecommendFlags,
): Promise<RecommendationList> {
  const user = await model.foldIn(ratings);
  const recommendations: Place[] = await user.recommend(atMost(model.info, n), { exclude });
  for (const place of recommendations) place.because = await user.because(place.item);
  if (wantsSd) {
    const items = recommendations.map(({ item }) => item);
    const { sd } = await user.predict(items, { sd: true });
    recommendations.forEach((place, k) => (place.sd = sd[k]));
  }
  return { nRatings: ratings.length, recommendations };
}

/** One person's ratings of items of the model. @throws DataError or UsageError for a file that does not hold these */
async function readOwnRatings(saved: ModelInfo, file: string, flags: RecommendFlags): Promise<GivenRating[]> {
  // As text, ids are what the file has; the model knows whether its own are numbers.
  const read = await readRatings(file, { ...readingOptions(flags), onePerson: true, textIds: true });
  const { columns, titles } = read;
  const nUsers = new Set(Array.from(columns.users)).size;
  if (nUsers > 1) throw new UsageError(`${file}: These are the ratings of ${nUsers} users; --ratings takes those of one.`);
  const ratings = Array.from(columns.ratings, asWritten);
  const { given, leftOut, note: byTitle, problem } = matchRatings(saved, { items: columns.items, ratings, titles });
  if (problem !== undefined && flags.unknown === 'error')
    throw new UsageError(`${file}: ${problem} (--unknown mean leaves such items out.)`);
  if (given.length === 0) {
    const why = byTitle === undefined ? '' : ` ${byTitle} (--title-column none takes the ids all the same.)`;
    throw new UsageError(`${file}: Training saw none of the items rated in it.${why}`);
  }
  noteReading(read);
  note(byTitle && `${file}: ${byTitle}`);
  if (leftOut.length > 0) {
    const some = leftOut.slice(0, 5).join(', ') + (leftOut.length > 5 ? ', ...' : '');
    note(`${leftOut.length} of ${ratings.length} ratings left out, of items that training never saw: ${some}.`);
  }
  const nTwice = given.length - new Set(given.map(([item]) => item)).size;
  if (nTwice > 0) note(`${file}: ${counted(nTwice, 'rating')} of items that are rated already; each rating counts.`);
  return given;
}
