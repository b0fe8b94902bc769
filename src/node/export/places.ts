/** Lists of items as rows of a table, one for each place. */
import type { TopLists } from '../../answer/top-lists.js';
import type { ModelInfo } from '../../answer/trained-model.js';
import { type IdMap, titleOf } from '../../data/ids.js';
import type { Block, Column } from './columns.js';

/** The places of lists that are taken, list by list, best first. */
export interface Places {
  /** Which list it is, counted from 0, and the place in it, counted from 1. */
  readonly lists: Uint32Array;
  readonly ranks: Uint32Array;
  /** Rows of the item table. */
  readonly items: Uint32Array;
  /** Predictions or similarities. */
  readonly values: Float32Array;
}

/** Leaves out the places from where a list ends. */
export function placesOf({ n, items, predictions }: TopLists): Places {
  const taken = Uint32Array.from(items.keys()).filter((at) => items[at] !== 0);
  return {
    lists: taken.map((at) => Math.floor(at / n)),
    ranks: taken.map((at) => (at % n) + 1),
    items: taken.map((at) => items[at]),
    values: Float32Array.from(taken, (at) => predictions[at]),
  };
}

/** The kind of a column of ids: they keep their type. */
export const idKind = (map: IdMap): Column['kind'] => (typeof map.idOf(map.size - 1) === 'number' ? 'whole' : 'text');

/** The columns of items, ids and, where the model has titles, titles; and their values for rows of the item table. */
export function itemColumns(
  { items, titles }: ModelInfo,
  id: string,
  title: string,
): { columns: Column[]; block: (rows: Uint32Array) => Block } {
  const columns: Column[] = [{ name: id, kind: idKind(items) }];
  if (titles !== undefined) columns.push({ name: title, kind: 'text' });
  const block = (rows: Uint32Array): Block => {
    const ids = Array.from(rows, (row) => items.idOf(row));
    return titles === undefined ? [ids] : [ids, ids.map((each) => titleOf(titles, each))];
  };
  return { columns, block };
}
