/** One person's ratings of another catalogue's items, in the words of a model. */
import { show } from '../base/check.js';
import { type Id, titleOf } from '../data/ids.js';
import type { GivenRating } from './given-ratings.js';
import { findItem, titleIndex, unknownItem } from './look-up.js';
import { agree } from './titles.js';
import type { ModelInfo } from './trained-model.js';

/** Ratings as a file has them. */
export interface OwnRatings {
  items: ArrayLike<Id>;
  ratings: ArrayLike<number>;
  /** Titles by the ids of the file. */
  titles?: ReadonlyMap<Id, string> | undefined;
}

/** Those of the ratings that are of items of the model. */
export interface MatchedRatings {
  given: GivenRating[];
  /** How an item of the file that the model does not have is called there, each once per rating. */
  leftOut: string[];
  /** A sentence on what was taken by its title instead of its id, if anything. */
  note: string | undefined;
  /** What to say of the first item that is not in the model; undefined if titles decided, or all are in it. */
  problem: string | undefined;
}

/**
 * Finds the items of the ratings in the model: by id, but where both sides have titles and these disagree, the id is
 * another catalogue's and the title decides. If that is so for more than half of the titles that can be compared, or if the
 * model has none of the ids, all items go by title. Nothing goes by an id whose titles disagree.
 */
export function matchRatings(info: ModelInfo, { items, ratings, titles }: OwnRatings): MatchedRatings {
  const ids = Array.from({ length: items.length }, (_, k) => items[k]);
  const compared = ids.map((id) => compare(info, titles, id));
  const differ = ids.filter((_, k) => compared[k] === false);
  const nCompared = compared.filter((each) => each !== undefined).length;
  const isTitled = ids.some((id) => titleIn(titles, id) !== undefined);
  const isForeign = 2 * differ.length > nCompared || (isTitled && !ids.some((id) => info.items.has(id)));

  const given: GivenRating[] = [];
  const leftOut: string[] = [];
  let problem: string | undefined;
  for (const [k, id] of ids.entries()) {
    const title = titleIn(titles, id);
    const byTitle = isForeign || compared[k] === false;
    const item = byTitle ? ofTitle(info, title) : (findItem(info, id) ?? ofTitle(info, title));
    if (item !== undefined) {
      given.push([item, ratings[k]]);
      continue;
    }
    leftOut.push(title ?? String(id));
    if (!byTitle) problem ??= unknownItem(info, id);
  }
  return { given, leftOut, problem, note: isForeign || differ.length > 0 ? noteOn(info, titles, differ, isForeign) : undefined };
}

/** Title of an id in the file. A file may have titles for ids: then it says nothing more. */
function titleIn(titles: OwnRatings['titles'], id: Id): string | undefined {
  const title = titleOf(titles, id);
  return title === id ? undefined : title;
}

/** Whether the titles of an id in the file and in the model agree; undefined where there are no two. */
function compare({ items, titles: known }: ModelInfo, titles: OwnRatings['titles'], id: Id): boolean | undefined {
  const [own, other] = [titleIn(titles, id), items.has(id) ? titleOf(known, id) : undefined];
  return own === undefined || other === undefined ? undefined : agree(own, other);
}

/** The one item of the model that has this title. */
function ofTitle(info: ModelInfo, title: string | undefined): Id | undefined {
  const found = title === undefined ? [] : (titleIndex(info)?.find(title) ?? []).filter((id) => info.items.has(id));
  return found.length === 1 ? found[0] : undefined;
}

function noteOn(info: ModelInfo, titles: OwnRatings['titles'], differ: readonly Id[], isForeign: boolean): string {
  if (differ.length === 0) return 'The ids are not those of the model: items are taken by their titles.';
  const [id] = differ;
  const example = `${id} is ${show(titleOf(titles, id))} in the file, and ${show(titleOf(info.titles, id))} in the model`;
  if (isForeign) return `The ids are not those of the model: ${example}. Items are taken by their titles.`;
  const what = differ.length === 1 ? '1 rated item has another title' : `${differ.length} rated items have other titles`;
  return `${what} in the model, and ${differ.length === 1 ? 'is' : 'are'} taken by title: ${example}.`;
}
