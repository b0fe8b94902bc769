import { type Command, Option } from 'commander';
import type { CollabModel } from '../../answer/collab-model.js';
import type { Similarity, UserBias } from '../../answer/similar.js';
import { itemMap } from '../../answer/item-map.js';
import { findItem, findUser, unknownItem } from '../../answer/look-up.js';
import { itemPca } from '../../answer/pca.js';
import { namedItem } from '../../answer/trained-model.js';
import { asWritten } from '../../base/decimal.js';
import { countBy } from '../../base/group-by.js';
import type { Ratings } from '../../data/collab-data.js';
import type { Id } from '../../data/ids.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { checkEnding, TABLE_ENDINGS } from '../../node/export/table.js';
import { readModelFile } from '../../node/files/model-file.js';
import { itemMapPlotData } from '../../plots/map-plot.js';
import { integer } from '../options/numbers.js';
import { checkFiles } from '../options/outputs.js';
import { addSavedModelOptions, type SavedModelFlags, withModel } from '../options/saved-model.js';
import { type Component, type Counted, describeExplanation, type Explanation, type UserExplanation } from '../print/explanation.js';
import { deviceLine } from '../print/head.js';
import { UsageError } from '../process/errors.js';
import { oneLine, printJson, printLines } from '../process/terminal.js';
import { explainAll } from './explain-all.js';

interface ExplainFlags extends SavedModelFlags {
  item?: string | undefined;
  dot?: boolean | undefined;
  user?: string | undefined;
  n: number;
  minRatings: number;
  map?: string | undefined;
  json?: boolean | undefined;
  allItems?: boolean | undefined;
  out?: string | undefined;
  quiet?: boolean | undefined;
}

/** Adds `dotbias explain`. */
export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .summary('show what a model has learned')
    .description('Shows what is liked beyond what taste explains, and the directions of taste; or what is behind one item or one user.');
  addSavedModelOptions(command)
    .option('--item <id>', 'list the items most similar to this one, an id or an exact title')
    .option('--dot', 'measure similarity by dot product, not by cosine')
    .option('--user <id>', 'show what the recommendations for this user are made of')
    .option('-n <count>', 'length of each list', integer(1, 1_000_000), 10)
    .option(
      '--min-ratings <count>',
      'leave items with fewer training ratings out of the lists: the model knows little of them',
      integer(0, 1_000_000),
      0,
    )
    .option('--map <file.svg>', 'draw the most rated items on the first two directions of taste')
    .option('--json', 'print everything as JSON')
    .addOption(
      new Option('--all-items', 'write the items most similar to each item to the file --out').conflicts(['item', 'user', 'map', 'json']),
    )
    .option('--out <file>', `the file to write, as its name ends: ${TABLE_ENDINGS.join(', ')}`)
    .option('--quiet', 'show no progress')
    .action(explain);
}

async function explain(flags: ExplainFlags): Promise<void> {
  const { allItems = false, out, dot = false, quiet = false } = flags;
  if (dot && flags.item === undefined && !allItems)
    throw new UsageError('--dot needs --item or --all-items: it says how items similar to one are found.');
  if (allItems !== (out !== undefined)) {
    throw new UsageError(
      allItems ? '--all-items needs --out, the file to write.' : '--out is for the items similar to all: add --all-items.',
    );
  }
  if (out !== undefined) checkEnding(out);
  await checkFiles({ reads: { '--model': flags.model }, writes: { '--map': flags.map, '--out': out } });
  const saved = await readModelFile(flags.model);
  const asked: Asked = {
    ...flags,
    ...(flags.item !== undefined && { item: findItem(saved, flags.item) ?? refuse(unknownItem(saved, flags.item)) }),
    ...(flags.user !== undefined && { user: findUser(saved, flags.user) }),
  };
  if (saved.train === undefined && (flags.map !== undefined || flags.minRatings > 0)) {
    const flag = flags.map === undefined ? '--min-ratings' : '--map';
    const why = `${flags.model} was saved with --no-ratings, or imported`;
    refuse(`${flag} needs a model that knows how often its items were rated, and ${why}.`);
  }
  if (out !== undefined) {
    const lists = { ...flags, out, metric: dot ? 'dot' : 'cosine', quiet } as const;
    return withModel(saved, flags, (model, device) => explainAll(model, device, lists), saved.items.size ** 2);
  }
  await withModel(saved, flags, async (model, device) => {
    const explanation = await gather(model, asked);
    if (flags.json) printJson(explanation);
    else printLines([oneLine(deviceLine(device)), ...describeExplanation(explanation)].join('\n'));
    if (flags.map === undefined) return;
    const { plotSvg } = await import('../../node/plots/svg.js');
    await writeFileAtomic(flags.map, await plotSvg(itemMapPlotData(await itemMap(model, MAP_ITEMS)), MAP_SIZE));
    if (!flags.json) printLines(`\n${oneLine(`Map written to ${flags.map}`)}`);
  });
}

/** Points on a map. */
const MAP_ITEMS = 150;
const MAP_SIZE = { width: 960, height: 760 };

/** What was asked for, by ids of the model. */
type Asked = Pick<ExplainFlags, 'dot' | 'n' | 'minRatings'> & { item?: Id | undefined; user?: Id | undefined };

function refuse(sentence: string): never {
  throw new UsageError(sentence);
}

async function gather(model: CollabModel, asked: Asked): Promise<Explanation> {
  const {
    info: { train },
    yRange,
    embeddings: {
      shape: { nUsers, nItems, nFactors, hasBias },
    },
  } = model;
  const { item, user, dot, n, minRatings } = asked;
  const counts = train && countBy(train.items, nItems);
  const list: Lister = (items) =>
    items
      .map((each) => ({ ...each, ...(counts && { nRatings: counts[model.info.items.indexOf(each.item)] }) }))
      .filter(({ nRatings = 0 }) => nRatings >= minRatings)
      .slice(0, n);
  const explanation: Explanation = {
    model: { nUsers: nUsers - 1, nItems: nItems - 1, nFactors, yRange, ...(train && { nTrain: train.ratings.length }) },
  };
  if (item !== undefined) explanation.item = await explainItem(model, item, dot ? 'dot' : 'cosine', list);
  if (user !== undefined) explanation.user = await explainUser(model, user, n);
  if (item !== undefined || user !== undefined) return explanation;
  if (hasBias) {
    const biases = await model.itemBias();
    explanation.itemBias = { highest: list(biases), lowest: list(biases.reverse()) };
  }
  if (nItems > 2) explanation.components = await componentsOf(model, list);
  return explanation;
}

/** The first n of these items that have enough ratings. */
type Lister = <T extends { item: Id }>(items: T[]) => Counted<T>[];

async function componentsOf(model: CollabModel, list: Lister): Promise<Component[]> {
  const pca = await itemPca(model, Math.min(3, model.embeddings.shape.nFactors));
  return Array.from(pca.explainedVariance, (explainedVariance, c) => {
    const { high, low } = pca.ends(c, model.info.items.size - 1);
    return { explainedVariance, high: list(high), low: list(low) };
  });
}

async function explainItem(model: CollabModel, item: Id, metric: Similarity, list: Lister): Promise<NonNullable<Explanation['item']>> {
  const similar = list(await model.similarItems(item, model.info.items.size, { metric }));
  return {
    ...namedItem(model, model.info.items.indexOf(item)),
    ...(model.embeddings.shape.hasBias && { bias: (await model.biases([item]))[0] }),
    metric,
    similar,
  };
}

async function explainUser(model: CollabModel, user: Id, n: number): Promise<UserExplanation> {
  const {
    info: { users, items, score, train },
    embeddings: {
      shape: { hasBias, nItems },
    },
  } = model;
  const [vector] = await model.vectors([user], { isItem: false });
  const row = users.indexOf(user);
  const recommended = await model.recommend(user, Math.min(n, nItems - 1), { exclude: train ? 'rated' : 'none' });
  const ids = recommended.map(({ item }) => item);
  const [vectors, itemBias] = await Promise.all([model.vectors(ids), hasBias ? model.biases(ids) : new Float32Array(ids.length)]);
  const taste = vectors.map((each) => score.value(vector, each));
  const own = train && ratingsOf(row, train).map(([each, rating]) => [items.idOf(each), rating] as const);
  const folded = own && (await model.foldIn(own));
  const recommendations: UserExplanation['recommendations'] = recommended.map((each, k) => ({
    ...each,
    itemBias: itemBias[k],
    taste: taste[k],
  }));
  if (folded) for (const each of recommendations) each.because = await folded.because(each.item);
  return {
    user,
    ...(hasBias && generosity(await model.userBias(), user)),
    ...(own && { nRatings: own.length }),
    recommendations,
  };
}

/** Item rows and ratings of a user row. */
function ratingsOf(user: number, { users, items, ratings }: Ratings): [item: number, rating: number][] {
  const found: [number, number][] = [];
  for (let k = 0; k < users.length; k++) if (users[k] === user) found.push([items[k], asWritten(ratings[k])]);
  return found;
}

function generosity(biases: readonly UserBias[], user: Id): { bias: number; generosity: number } {
  const place = biases.findIndex((each) => each.user === user);
  return { bias: biases[place].bias, generosity: place + 1 };
}
