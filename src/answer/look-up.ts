/** Users and items by what people call them: an id as they write it, or a title. */
import { show } from '../base/check.js';
import { counted } from '../base/count.js';
import type { Id, IdMap } from '../data/ids.js';
import { TitleIndex } from './titles.js';
import type { ModelInfo } from './trained-model.js';

const indexes = new WeakMap<ReadonlyMap<Id, string>, TitleIndex>();

/** The index of a model's titles, made once. */
export function titleIndex({ titles }: Pick<ModelInfo, 'titles'>): TitleIndex | undefined {
  if (titles === undefined) return undefined;
  let index = indexes.get(titles);
  if (index === undefined) indexes.set(titles, (index = new TitleIndex(titles)));
  return index;
}

/**
 * Id of a user as the model has it. A text is an id only as it is written: '07' is not user 7.
 *
 * @throws RangeError for one whom training never saw, with the id that was probably meant or those that there are
 */
export function findUser({ users }: Pick<ModelInfo, 'users'>, name: Id): Id {
  if (!users.has(name)) throw new RangeError(`Training saw no user ${show(name)}${nearest(users, name, 'user')}.`);
  return users.idOf(users.indexOf(name));
}

/**
 * Id of an item by what people call it: its id or, if there is no such id, its title, see `TitleIndex.find`.
 *
 * @returns undefined for an item that training never saw, see `unknownItem`
 * @throws RangeError for a title that several items have
 */
export function findItem(info: Pick<ModelInfo, 'items' | 'titles'>, name: Id): Id | undefined {
  const { items } = info;
  if (items.has(name)) return items.idOf(items.indexOf(name));
  const found =
    titleIndex(info)
      ?.find(String(name))
      .filter((id) => items.has(id)) ?? [];
  if (found.length > 1) throw new RangeError(`${show(name)} is the title of the items ${found.join(' and ')}: name one of these ids.`);
  return found[0];
}

/** What to say of an item that `findItem` does not find: what is near it or, failing that, which items there are. */
export function unknownItem({ items, titles }: Pick<ModelInfo, 'items' | 'titles'>, name: Id): string {
  const part = String(name).toLowerCase();
  const [near] = [...(titles ?? [])]
    .filter(([id, title]) => part.length > 2 && title.toLowerCase().includes(part) && items.has(id))
    .sort(([, a], [, b]) => a.length - b.length);
  const hint = near === undefined ? nearest(items, name, 'item') : `; there is ${show(near[1])}, item ${near[0]}`;
  return `Training saw no item ${show(name)}${hint}.`;
}

/** The id that differs from `name` only in case, spaces, a sign or leading zeros, if there is one; else what ids there are. */
function nearest(map: IdMap, name: Id, what: 'user' | 'item'): string {
  const wanted = bare(name);
  const n = map.size - 1;
  for (let row = 1; row <= n; row++) {
    const id = map.idOf(row);
    if (bare(id) === wanted) return `; there is ${show(id)}`;
  }
  if (n === 0) return '';
  const [first, last] = [map.idOf(1), map.idOf(n)];
  if (n === 1) return `; its only ${what} is ${show(first)}`;
  return `; the ids of its ${counted(n, what)} go from ${show(first)} to ${show(last)}`;
}

function bare(id: Id): string {
  return String(id)
    .trim()
    .toLowerCase()
    .replace(/^\+?0*(?=.)/, '')
    .replace(/^(\d+)\.0*$/, '$1');
}
