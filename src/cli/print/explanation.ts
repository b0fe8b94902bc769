import type { Contribution } from '../../answer/folded-user.js';
import type { Recommendation } from '../../answer/recommend.js';
import type { ItemBias, SimilarItem, Similarity } from '../../answer/similar.js';
import { thousands } from '../../base/count.js';
import type { Id } from '../../data/ids.js';
import { oneLine } from '../process/terminal.js';
import { reasons } from './recommendations.js';
import { alignedTable } from './table.js';
import { nameOf } from './text.js';

/** What `dotbias explain --json` prints: the parts asked for. */
export interface Explanation {
  model: { nUsers: number; nItems: number; nFactors: number; yRange: readonly [number, number] | null; nTrain?: number | undefined };
  /** What is liked, and disliked, beyond what taste explains. Absent for a model without biases. */
  itemBias?: { highest: Counted<ItemBias>[]; lowest: Counted<ItemBias>[] } | undefined;
  /** Directions in which item vectors differ most, with the items at both ends. */
  components?: Component[] | undefined;
  item?:
    | { item: Id; title?: string | undefined; bias?: number | undefined; metric: Similarity; similar: Counted<SimilarItem>[] }
    | undefined;
  user?: UserExplanation | undefined;
}

/** An item with its number of training ratings, where the model knows it. */
export type Counted<T> = T & { nRatings?: number | undefined };

/** A principal component of the item vectors. */
export interface Component {
  /** Share of the variance of the item vectors. */
  explainedVariance: number;
  high: Counted<Projected>[];
  low: Counted<Projected>[];
}

/** An item and its coordinate along a component. */
export interface Projected {
  item: Id;
  title?: string | undefined;
  coordinate: number;
}

/** What the recommendations for a user are made of. */
export interface UserExplanation {
  user: Id;
  bias?: number | undefined;
  /** Rank among all users by bias; 1 is the most generous. */
  generosity?: number | undefined;
  nRatings?: number | undefined;
  /** Raw score = userBias + itemBias + taste; the prediction is its image in yRange. */
  recommendations: (Recommendation & { itemBias: number; taste: number; because?: Contribution[] | undefined })[];
}

/** The explanation as paragraphs, each with a head. */
export function* describeExplanation({ model, itemBias, components = [], item, user }: Explanation): Generator<string> {
  yield modelLine(model);
  if (item) yield* describeItem(item);
  if (user) yield* describeUser(user, model.nUsers);
  if (itemBias) {
    yield '\nLiked beyond what taste explains';
    yield itemTable('bias', itemBias.highest, ({ bias }) => bias);
    yield '\nDisliked beyond what taste explains';
    yield itemTable('bias', itemBias.lowest, ({ bias }) => bias);
  }
  for (const [c, { explainedVariance, high, low }] of components.entries()) {
    yield `\nDirection of taste ${c + 1}: ${(100 * explainedVariance).toFixed(1)} % of the variance of item vectors, between`;
    const rows = high.map((each, k) => [nameOf(each), nameOf(low[k])]);
    yield alignedTable(['one end', 'the other end'], rows, ['left', 'left']);
  }
}

function modelLine({ nUsers, nItems, nFactors, yRange, nTrain }: Explanation['model']): string {
  const parts = [
    `${thousands(nUsers)} users`,
    `${thousands(nItems)} items`,
    `${nFactors} factors`,
    ...(yRange ? [`predictions from ${yRange[0]} to ${yRange[1]}`] : []),
    ...(nTrain === undefined ? [] : [`trained on ${thousands(nTrain)} ratings`]),
  ];
  return `Model: ${parts.join(', ')}.`;
}

function* describeItem({ metric, bias, similar, ...item }: NonNullable<Explanation['item']>): Generator<string> {
  const by = metric === 'dot' ? 'dot product' : 'cosine';
  yield `\nMost similar to ${nameOf(item)}, by ${by}${bias === undefined ? '' : ` (its bias is ${bias.toFixed(2)})`}`;
  yield itemTable('similarity', similar, ({ similarity }) => similarity);
}

function* describeUser({ user, bias, generosity, nRatings, recommendations }: UserExplanation, nUsers: number): Generator<string> {
  const facts = [
    ...(bias === undefined ? [] : [`bias ${bias.toFixed(2)}, rank ${generosity} of ${nUsers} from generous to strict`]),
    ...(nRatings === undefined ? [] : [`${nRatings} training ratings`]),
  ];
  yield `\nUser ${oneLine(String(user))}${facts.length > 0 ? `: ${facts.join('; ')}` : ''}`;
  const biased = bias !== undefined;
  const explained = nRatings !== undefined;
  if (biased) yield 'What the user would like best; score = bias of the user + bias of the item + taste';
  const head = ['prediction', ...(biased ? ['item bias'] : []), 'taste', 'item', ...(explained ? ['because the user rated'] : [])];
  const rows = recommendations.map((each) => [
    each.prediction.toFixed(2),
    ...(biased ? [each.itemBias.toFixed(2)] : []),
    each.taste.toFixed(2),
    nameOf(each),
    ...(explained ? [reasons(each.because)] : []),
  ]);
  yield alignedTable(head, rows, ['right', ...(biased ? ['right' as const] : []), 'right', 'left', 'left']);
}

function itemTable<T extends Counted<{ item: Id; title?: string | undefined }>>(
  what: string,
  rows: readonly T[],
  value: (row: T) => number,
): string {
  const titled = rows.some(({ title }) => title !== undefined);
  const withCounts = rows.some(({ nRatings }) => nRatings !== undefined);
  return alignedTable(
    [what, 'item', ...(withCounts ? ['ratings'] : []), ...(titled ? ['title'] : [])],
    rows.map((row) => [
      value(row).toFixed(2),
      String(row.item),
      ...(withCounts ? [String(row.nRatings)] : []),
      ...(titled ? [row.title ?? ''] : []),
    ]),
    ['right', 'right', ...(withCounts ? ['right' as const] : []), 'left'],
  );
}
