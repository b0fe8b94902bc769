/** Finds the columns of users, items, ratings and timestamps in a table. */
import { DataError } from '../../base/errors.js';
import { clip, type Dialect } from './table-reader.js';

/** A column by its name in the header (or Parquet schema) or by its position, from 0. */
export type ColumnChoice = string | number;

/** The columns of a file; each is found by its name or position unless it is given. */
export interface FieldOptions {
  /** Column of the users. Default: one with a name such as user, userId or user_id; in a file without such names, position 0. */
  userColumn?: ColumnChoice | undefined;
  /** Column of the items. Default: one with a name such as item, itemId, movieId or product_id; else position 1. */
  itemColumn?: ColumnChoice | undefined;
  /** Column of the ratings. Default: one with a name such as rating, score or stars; else position 2. */
  ratingColumn?: ColumnChoice | undefined;
  /**
   * Column of the timestamps. Default: one with a name such as timestamp, time or date; else position 3, if the whole column
   * is numbers or dates; else there are none.
   */
  timestampColumn?: ColumnChoice | undefined;
  /**
   * True: all ratings are one person's. There need be no column of users (the user is then 0), a table of two columns is
   * item and rating, and a column of titles may stand for the items. Default false.
   */
  onePerson?: boolean | undefined;
}

/** Positions of the columns of a file. */
export interface Fields {
  /** Undefined if there is none, see `onePerson`. */
  user: number | undefined;
  item: number;
  rating: number;
  timestamp?: number | undefined;
  /** Whether the column of timestamps was asked for or found by its name. */
  timestampNamed: boolean;
}

type Role = 'user' | 'item' | 'rating' | 'timestamp';

/** Names by which columns are known: letters only, in lower case. */
const COLUMN_NAMES: Record<Role, readonly string[]> = {
  user: ['user', 'userid', 'uid', 'username', 'customer', 'customerid', 'reviewerid'],
  item: [
    'item',
    'itemid',
    'iid',
    'movie',
    'movieid',
    'product',
    'productid',
    'book',
    'bookid',
    'isbn',
    'asin',
    'business',
    'businessid',
    'song',
    'songid',
    'anime',
    'animeid',
  ],
  rating: ['rating', 'ratings', 'score', 'stars', 'overall', 'bookrating'],
  timestamp: ['timestamp', 'time', 'date', 'datetime', 'ts', 'unixreviewtime'],
};
const TITLE_NAMES = ['title', 'itemtitle', 'movietitle', 'film', 'name'];

/** The positions of the columns to read. @throws DataError for a column that does not exist */
export function chooseFields(dialect: Dialect, label: string, options: FieldOptions): Fields {
  const { names, header } = dialect;
  const { onePerson = false } = options;
  const choices: Record<Role, ColumnChoice | undefined> = {
    user: options.userColumn,
    item: options.itemColumn,
    rating: options.ratingColumn,
    timestamp: options.timestampColumn,
  };
  const listed = header ? `its columns are ${clip(names.join(', '))}` : `it has ${names.length} columns and no header`;
  const named = (wanted: readonly string[]): number =>
    header ? names.findIndex((name) => wanted.includes(name.toLowerCase().replace(/[^a-z]/g, ''))) : -1;
  const byName = (role: Role): number => {
    const found = named(COLUMN_NAMES[role]);
    return found === -1 && role === 'item' && onePerson ? named(TITLE_NAMES) : found;
  };
  const anyNamed = byName('user') !== -1 || byName('item') !== -1 || byName('rating') !== -1;

  const find = (role: Role, position: number): number => {
    const choice = choices[role];
    if (typeof choice === 'number') {
      if (!Number.isInteger(choice) || choice < 0 || choice >= names.length) {
        throw new DataError(`There is no ${role} column at position ${choice} (from 0): ${listed}.`, {
          file: label,
          column: role,
          value: choice,
        });
      }
      return choice;
    }
    if (choice !== undefined) {
      const found = header ? names.indexOf(choice) : -1;
      if (found === -1) {
        throw new DataError(`There is no ${role} column '${choice}': ${listed}.`, { file: label, column: role, value: choice });
      }
      return found;
    }
    return anyNamed ? byName(role) : position >= 0 && position < names.length ? position : -1;
  };
  const required = (role: Role, position: number): number => {
    const found = find(role, position);
    if (found === -1) {
      throw new DataError(`There is no ${role} column: ${listed}. Say which it is with ${role}Column.`, { file: label, column: role });
    }
    return found;
  };
  const first = onePerson && names.length === 2 ? -1 : 0;
  const user = onePerson ? find('user', first) : required('user', first);
  const fields = { user: user === -1 ? undefined : user, item: required('item', first + 1), rating: required('rating', first + 2) };
  const timestamp = find('timestamp', first + 3);
  const timestampNamed = choices.timestamp !== undefined || anyNamed;
  return timestamp === -1 ? { ...fields, timestampNamed: false } : { ...fields, timestamp, timestampNamed };
}
