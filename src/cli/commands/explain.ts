import type { Command } from 'commander';
import type { Id, Ratings } from '../../data/collab-data.js';
import type { CollabModel } from '../../answer/collab-model.js';
import type { Contribution } from '../../answer/fold-in.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { readModelFile } from '../../node/files/model-file.js';
import type { Recommendation } from '../../answer/recommend.js';
import type { ItemBias, SimilarItem, Similarity, UserBias } from '../../answer/similar.js';
import { deviceLine } from '../options/device.js';
import { integer } from '../options/numbers.js';
import { checkWritable } from '../options/outputs.js';
import { reasons } from './recommend.js';
import { addSavedModelOptions, findItem, findUser, nameOf, type SavedModelFlags, unknownItem, withModel } from '../options/saved-model.js';
import { alignedTable } from '../print/table.js';

interface ExplainFlags extends SavedModelFlags {
  item?: string;
  dot?: boolean;
  user?: string;
  n: number;
  minRatings: number;
  map?: string;
  json?: boolean;
}

/** What `dotbias explain --json` prints: the parts asked for. */
interface Explanation {
  model: { nUsers: number; nItems: number; nFactors: number; yRange: readonly [number, number] | null; nTrain?: number };
  /** Of all items: what is liked, and disliked, beyond what taste explains. Absent in a model without biases. */
  itemBias?: { highest: Counted<ItemBias>[]; lowest: Counted<ItemBias>[] };
  /** Directions in which item vectors differ most, with the items at both ends. */
  components?: Component[];
  item?: { item: Id; title?: string; bias?: number; metric: Similarity; similar: Counted<SimilarItem>[] };
  user?: UserExplanation;
}

/** `nRatings` in training, where the model knows. */
type Counted<T> = T & { nRatings?: number };

interface Component {
  /** Share of the variance of item vectors. */
  explainedVariance: number;
  high: Counted<Ended>[];
  low: Counted<Ended>[];
}

/** An item and its coordinate along a component. */
interface Ended {
  item: Id;
  title?: string;
  coordinate: number;
}

interface UserExplanation {
  user: Id;
  bias?: number;
  /** Place among all users by bias, 1 being the most generous. */
  generosity?: number;
  nRatings?: number;
  /** Raw score = userBias + itemBias + taste; the prediction is its image in yRange. */
  recommendations: (Recommendation & { itemBias: number; taste: number; because?: Contribution[] })[];
}

export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .summary('show what a model has learned')
    .description('Shows what is liked beyond what taste explains, and the directions of taste; or what is behind one item or one user.');
  addSavedModelOptions(command)
    .option('--item <id>', 'the items most alike to this one, an id or an exact title')
    .option('--dot', 'measure likeness by dot product, not by cosine')
    .option('--user <id>', 'what the recommendations for this user are made of')
    .option('-n <count>', 'length of each list', integer(1), 10)
    .option(
      '--min-ratings <count>',
      'leave items with fewer training ratings out of the lists: the model knows little of them',
      integer(0),
      0,
    )
    .option('--map <file.svg>', 'draw the most rated items on the first two directions of taste')
    .option('--json', 'print everything as JSON')
    .action(explain);
}

async function explain(flags: ExplainFlags): Promise<void> {
  if (flags.dot && flags.item === undefined) throw new TypeError('--dot needs --item: it says how items alike to one are found.');
  await checkWritable(flags.map);
  const saved = await readModelFile(flags.model);
  const asked: Asked = {
    ...flags,
    ...(flags.item !== undefined && { item: findItem(saved, flags.item) ?? refuse(unknownItem(saved, flags.item)) }),
    ...(flags.user !== undefined && { user: findUser(saved, flags.user) }),
  };
  if (saved.train === undefined && (flags.map !== undefined || flags.minRatings > 0)) {
    refuse(
      `${flags.map === undefined ? '--min-ratings' : '--map'} needs a model that knows how often its items were rated, and ${flags.model} was saved with --no-ratings, or imported.`,
    );
  }
  await withModel(saved, flags, async (model, device) => {
    const explanation = await gather(model, asked);
    console.log(flags.json ? JSON.stringify(explanation, null, 2) : [deviceLine(device), ...describe(explanation)].join('\n'));
    if (flags.map === undefined) return;
    const [{ itemMap }, { itemMapPlot }] = await Promise.all([import('../../node/plots/pca.js'), import('../../node/plots/plots.js')]);
    await writeFileAtomic(flags.map, await itemMapPlot(await itemMap(model, MAP_ITEMS)));
    if (!flags.json) console.log(`\nMap written to ${flags.map}`);
  });
}

/** Points on a map. */
const MAP_ITEMS = 80;

/** What was asked for, by ids of the model. */
type Asked = Pick<ExplainFlags, 'dot' | 'n' | 'minRatings'> & { item?: Id; user?: Id };

function refuse(sentence: string): never {
  throw new RangeError(sentence);
}

async function gather(model: CollabModel, asked: Asked): Promise<Explanation> {
  const {
    info: { train },
    yRange,
    embeddings: {
      shape: { nUsers, nItems, nFactors, bias },
    },
  } = model;
  const { item, user, dot, n, minRatings } = asked;
  const counts = train && countsOf(train.items, nItems);
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
  if (bias) {
    const biases = await model.itemBias();
    explanation.itemBias = { highest: list(biases), lowest: list(biases.reverse()) };
  }
  if (nItems > 2) explanation.components = await componentsOf(model, list);
  return explanation;
}

/** The first n of these items that have enough ratings. */
type Lister = <T extends { item: Id }>(items: T[]) => Counted<T>[];

function countsOf(rows: Uint32Array, nRows: number): Uint32Array {
  const counts = new Uint32Array(nRows);
  for (const row of rows) counts[row]++;
  return counts;
}

async function componentsOf(model: CollabModel, list: Lister): Promise<Component[]> {
  const { itemPca } = await import('../../node/plots/pca.js');
  const { items, coordinates, explainedVariance } = await itemPca(model, Math.min(3, model.embeddings.shape.nFactors));
  return coordinates.map((values, c) => {
    const ordered = items.map((item, k) => ({ ...titled(model, item), coordinate: values[k] })).sort((a, b) => b.coordinate - a.coordinate);
    return { explainedVariance: explainedVariance[c], high: list(ordered), low: list(ordered.reverse()) };
  });
}

async function explainItem(model: CollabModel, item: Id, metric: Similarity, list: Lister): Promise<NonNullable<Explanation['item']>> {
  const similar = list(await model.similarItems(item, model.info.items.size, { metric }));
  return { ...titled(model, item), ...(model.embeddings.shape.bias && { bias: (await model.bias([item]))[0] }), metric, similar };
}

function titled(model: CollabModel, item: Id): { item: Id; title?: string } {
  const title = model.titleOf(item);
  return { item, ...(title !== undefined && { title }) };
}

async function explainUser(model: CollabModel, user: Id, n: number): Promise<UserExplanation> {
  const {
    info: { users, items, train },
    embeddings: {
      shape: { bias, nItems },
    },
  } = model;
  const [vector] = await model.weight([user], { isItem: false });
  const row = users.indexOf(user);
  const recommended = await model.recommend(user, Math.min(n, nItems - 1), { exclude: train ? 'rated' : 'none' });
  const ids = recommended.map(({ item }) => item);
  const [vectors, itemBias] = await Promise.all([model.weight(ids), bias ? model.bias(ids) : new Float32Array(ids.length)]);
  const taste = vectors.map((each) => each.reduce((sum, value, f) => sum + value * vector[f], 0));
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
    ...(bias && generosity(await model.userBias(), user)),
    ...(own && { nRatings: own.length }),
    recommendations,
  };
}

/** Item rows and ratings of a user row. */
function ratingsOf(user: number, { users, items, ratings }: Ratings): [item: number, rating: number][] {
  const found: [number, number][] = [];
  for (let k = 0; k < users.length; k++) if (users[k] === user) found.push([items[k], ratings[k]]);
  return found;
}

function generosity(biases: readonly UserBias[], user: Id): { bias: number; generosity: number } {
  const place = biases.findIndex((each) => each.user === user);
  return { bias: biases[place].bias, generosity: place + 1 };
}

// ---- As text --------------------------------------------------------------------------------------------------------

function* describe({ model, itemBias, components, item, user }: Explanation): Generator<string> {
  const n = (count: number) => count.toLocaleString('en');
  yield `Model: ${n(model.nUsers)} users, ${n(model.nItems)} items, ${model.nFactors} factors${model.yRange ? `, predictions from ${model.yRange[0]} to ${model.yRange[1]}` : ''}${model.nTrain === undefined ? '' : `, trained on ${n(model.nTrain)} ratings`}.`;
  if (item) {
    yield `\nMost alike to ${nameOf(item)}, by ${item.metric === 'dot' ? 'dot product' : 'cosine'}${item.bias === undefined ? '' : ` (its bias is ${item.bias.toFixed(2)})`}`;
    yield itemTable('similarity', item.similar, ({ similarity }) => similarity);
  }
  if (user) yield* describeUser(user, model.nUsers);
  if (itemBias) {
    yield '\nLiked beyond what taste explains';
    yield itemTable('bias', itemBias.highest, ({ bias }) => bias);
    yield '\nDisliked beyond what taste explains';
    yield itemTable('bias', itemBias.lowest, ({ bias }) => bias);
  }
  for (const [c, { explainedVariance, high, low }] of (components ?? []).entries()) {
    yield `\nDirection of taste ${c + 1}: ${(100 * explainedVariance).toFixed(1)} % of the variance of item vectors, between`;
    yield alignedTable(
      ['one end', 'the other end'],
      high.map((each, k) => [nameOf(each), nameOf(low[k])]),
      ['left', 'left'],
    );
  }
}

function itemTable<T extends Counted<{ item: Id; title?: string }>>(what: string, rows: readonly T[], value: (row: T) => number): string {
  const hasTitles = rows.some(({ title }) => title !== undefined);
  const hasCounts = rows.some(({ nRatings }) => nRatings !== undefined);
  return alignedTable(
    [what, 'item', ...(hasCounts ? ['ratings'] : []), ...(hasTitles ? ['title'] : [])],
    rows.map((row) => [
      value(row).toFixed(2),
      String(row.item),
      ...(hasCounts ? [String(row.nRatings)] : []),
      ...(hasTitles ? [row.title ?? ''] : []),
    ]),
    ['right', 'right', ...(hasCounts ? ['right' as const] : []), 'left'],
  );
}

function* describeUser({ user, bias, generosity: place, nRatings, recommendations }: UserExplanation, nUsers: number): Generator<string> {
  const says = [
    ...(bias === undefined ? [] : [`bias ${bias.toFixed(2)}, ${place} of ${nUsers} from generous to strict`]),
    ...(nRatings === undefined ? [] : [`${nRatings} training ratings`]),
  ];
  yield `\nUser ${user}${says.length > 0 ? `: ${says.join('; ')}` : ''}`;
  const explained = nRatings !== undefined;
  if (bias !== undefined) yield 'What the user would like best; score = the bias of the user + that of the item + taste';
  yield alignedTable(
    ['prediction', ...(bias === undefined ? [] : ['item bias']), 'taste', 'item', ...(explained ? ['because the user rated'] : [])],
    recommendations.map((each) => [
      each.prediction.toFixed(2),
      ...(bias === undefined ? [] : [each.itemBias.toFixed(2)]),
      each.taste.toFixed(2),
      nameOf(each),
      ...(explained ? [reasons(each.because)] : []),
    ]),
    ['right', ...(bias === undefined ? [] : ['right' as const]), 'right', 'left', 'left'],
  );
}
