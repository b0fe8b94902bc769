import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import type { Ratings } from '../data/collab-data.js';
import { type Id, type IdMap, titleOf } from '../data/ids.js';
import type { UnknownUser } from '../model/rows.js';
import type { ModelTables } from '../model/tables.js';

/** Pairs of user and item by table row, in columns of equal length. */
export interface Pairs {
  users: Uint32Array;
  items: Uint32Array;
}

/** What a trained model knows beside its tables. */
export interface ModelInfo {
  readonly users: IdMap;
  readonly items: IdMap;
  /** How raw scores come from the tables, and predictions from raw scores. */
  readonly score: ScoreOp;
  readonly range: RangeOp;
  /** Item titles by item id. */
  readonly titles?: ReadonlyMap<Id, string> | undefined;
  /** As what an unknown user is predicted where a call does not say it. Default 'mean'. */
  readonly unknownUser?: UnknownUser | undefined;
  /** What was rated in training, to be left out of recommendations. Never changed. */
  readonly train?: Ratings | undefined;
  /** What was rated too, but held out for validation: to be left out as well. Never changed. */
  readonly valid?: Pairs | undefined;
  /** Mean squared error of the predictions of ratings that the model was not trained on, where it is known. */
  readonly residualVariance?: number | undefined;
}

/** What a feature needs of a trained model. */
export interface TrainedModel {
  readonly embeddings: ModelTables;
  readonly info: ModelInfo;
  /** See `ModelInfo`; a learner measures the model as it is now. */
  residualVariance(): Promise<number | undefined>;
}

/** As what a model predicts an unknown user where a call does not say it. */
export const unknownUserOf = ({ info: { unknownUser = 'mean' } }: TrainedModel): UnknownUser => unknownUser;

/** Why a model gives no number: the end of a sentence. */
export const NOT_FINITE = 'the training of the model diverged, or its numbers are too large for float32.';

/** Id and, if known, title of an item row. */
export function namedItem({ info }: TrainedModel, row: number): { item: Id; title?: string | undefined } {
  const item = info.items.idOf(row);
  const title = titleOf(info.titles, item);
  return { item, ...(title !== undefined && { title }) };
}

/** Those of the pairs whose user and item both have a row of their own. */
export function knownPairs({ users, items }: Pairs): Pairs {
  if (!users.includes(0) && !items.includes(0)) return { users, items };
  const isKnown = (_: number, k: number) => users[k] !== 0 && items[k] !== 0;
  return { users: users.filter(isKnown), items: items.filter(isKnown) };
}
