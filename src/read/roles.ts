/** Finds the columns of users, items, ratings and times in a table. */
import { clip } from '../base/check.js';
import { DataError } from '../base/errors.js';
import type { ColumnChoice, ReadOptions } from './options.js';
import { parseTime } from './time.js';

/** A table as its first lines show it. */
export interface Table {
  /** Names of the columns: from the header, the schema or the first JSON object, otherwise '0', '1', ... */
  names: readonly string[];
  header: boolean;
  /** The first rows, by column. */
  sample: readonly (readonly string[])[];
}

/** Positions of the columns of a file. */
export interface Fields {
  /** Undefined if there is none, see `onePerson`. */
  user: number | undefined;
  item: number;
  rating: number;
  time: number | undefined;
  /** Undefined if there is none, or the titles are the items. */
  title: number | undefined;
  /** The year that belongs to each title of one person's ratings; undefined if there is none. */
  year: number | undefined;
  /** 'chosen' by an option, 'named' in the header, or only by its 'position'. */
  timeFound: 'chosen' | 'named' | 'position';
  /** Whether the ratings were found by position only. */
  ratingByPosition: boolean;
  /** What to tell the reader of the result about the choice, a sentence. */
  note: string | undefined;
}

type Role = 'user' | 'item' | 'rating' | 'time' | 'title' | 'year';

const words = (text: string): readonly string[] => text.split(/\s+/);

/** Names by which columns are known: letters only, in lower case. An earlier one wins over a later one. */
const COLUMN_NAMES: Record<Role, readonly string[]> = {
  user: words(`user userid uid username customer customerid custid reviewerid reviewer visitorid visitor memberid profileid
    profilename accountid u`),
  item: words(`item itemid iid movie movieid mid film filmid product productid parentasin asin book bookid isbn business
    businessid song songid track trackid artist artistid anime animeid recipe recipeid joke jokeid game gameid appid beer
    beerid hotelid restaurantid courseid gmapid const tconst i`),
  // One's own rating comes before that of everybody, which may stand beside it.
  rating: words(`yourrating myrating yourscore myscore rating ratings userrating score userscore stars starrating overall
    bookrating preference weight r`),
  time: words(`timestamp unixreviewtime time datetime ts ratedat date daterated dateadded ratingdate reviewtime createdat
    datemodified t`),
  title: words('title itemtitle movietitle booktitle filmtitle primarytitle moviename name'),
  year: words('year releaseyear'),
};

/** Position of the column that has one of a role's names, -1 if there is none. */
export function columnNamed(names: readonly string[], role: Role): number {
  const plain = names.map(plainName);
  for (const known of COLUMN_NAMES[role]) if (plain.includes(known)) return plain.indexOf(known);
  return -1;
}

/** The letters and digits of a name; RecBole writes user_id:token. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/:(token|float)(_seq)?$/, '')
    .replace(/[^a-z0-9]/g, '');
}

/** The positions of the columns to read. @throws DataError for a column that does not exist, or if it is unclear which they are */
export function chooseFields(table: Table, label: string, options: ReadOptions): Fields {
  const { names, header } = table;
  const { onePerson = false, userColumn, itemColumn, ratingColumn, timestampColumn } = options;
  const byName = (role: Role): number => (header ? columnNamed(names, role) : -1);
  const once = (position: number): number => {
    const name = plainName(names[position] ?? '');
    if (position === -1 || names.findLastIndex((each) => plainName(each) === name) === position) return position;
    throw new DataError(`There are two columns '${names[position]}': ${listed(table)}; say by position which to take.`, { file: label });
  };
  const title = titleAt(table, label, options, byName('title'));
  const item = byName('item') === -1 ? title : byName('item');
  const anyNamed = byName('user') !== -1 || item !== -1 || byName('rating') !== -1;
  const isChosen = (onePerson || userColumn !== undefined) && itemColumn !== undefined && ratingColumn !== undefined;
  const index = anyNamed || isChosen ? 0 : checkPositions(table, label, onePerson);

  const find = (role: Role, choice: ColumnChoice | undefined, named: number, position: number): number => {
    if (choice !== undefined) return chosen(table, label, role, choice);
    if (anyNamed) return once(named);
    return position >= index && position < names.length ? position : -1;
  };
  const required = (role: 'user' | 'item' | 'rating', choice: ColumnChoice | undefined, named: number, position: number): number => {
    const found = find(role, choice, named, position);
    if (found !== -1) return found;
    const cure = `Say which it is with ${role}Column.`;
    throw new DataError(`There is no ${role} column: ${listed(table)}. ${cure}`, { file: label, column: role });
  };
  const first = index + (onePerson && names.length === 2 ? -1 : 0);
  const user = onePerson ? find('user', userColumn, byName('user'), first) : required('user', userColumn, byName('user'), first);
  const items = required('item', itemColumn, item, first + 1);
  const ratings = required('rating', ratingColumn, byName('rating'), first + 2);
  const found = timestampColumn === null ? -1 : find('time', timestampColumn, byName('time'), first + 3);
  // A column that was chosen for something else holds no times.
  const time = timestampColumn === undefined && [user, items, ratings].includes(found) ? -1 : found;
  const taken = [user, items, ratings, time].filter((position) => position !== -1);
  const twice = taken.find((position, k) => taken.indexOf(position) !== k);
  if (twice !== undefined) {
    throw new DataError(`The column '${names[twice]}' cannot be two of users, items, ratings and times.`, { file: label });
  }
  const fields: Fields = {
    user: user === -1 ? undefined : user,
    item: items,
    rating: ratings,
    time: time === -1 ? undefined : time,
    title: title === -1 || title === items ? undefined : title,
    year: onePerson && title !== -1 && byName('year') !== -1 ? byName('year') : undefined,
    timeFound: typeof timestampColumn === 'string' || typeof timestampColumn === 'number' ? 'chosen' : anyNamed ? 'named' : 'position',
    ratingByPosition: !anyNamed && ratingColumn === undefined,
    note: undefined,
  };
  const isTitle = anyNamed && !onePerson && itemColumn === undefined && item !== -1 && item === title;
  const guess = index > 0 ? 'index' : isTitle ? 'title' : anyNamed || isChosen ? undefined : 'positions';
  const note = noteOn(table, fields, guess);
  return { ...fields, note: note && `${label}: ${note}.` };
}

/** What is to be said of columns that were guessed: as what the first or the items were taken, or all by their positions. */
function noteOn(table: Table, { user, item, rating, time, timeFound }: Fields, guess: 'index' | 'title' | 'positions' | undefined) {
  const { names, header } = table;
  if (guess === 'index') return 'the first column counts the rows and was taken for an index';
  if (timeFound === 'position' && time !== undefined && isTooEarly(table, time)) {
    return `the columns were taken for users, items, ratings and times, though the fourth has no value above ${EARLIEST}`;
  }
  if (guess === 'title') return `no column of items has a known name; '${names[item]}' was taken`;
  if (guess === undefined || !header) return undefined;
  const users = user === undefined ? '' : `'${names[user]}' for the users, `;
  return `no column has a known name; ${users}'${names[item]}' for the items and '${names[rating]}' for the ratings were taken`;
}

function titleAt(table: Table, label: string, { titleColumn }: ReadOptions, named: number): number {
  if (titleColumn === null) return -1;
  return titleColumn === undefined ? named : chosen(table, label, 'title', titleColumn);
}

function chosen(table: Table, label: string, role: Role, choice: ColumnChoice): number {
  const { names, header } = table;
  const what = role === 'time' ? 'timestamp' : role;
  if (typeof choice === 'number') {
    if (Number.isInteger(choice) && choice >= 0 && choice < names.length) return choice;
    const problem = `There is no ${what} column at position ${choice} (from 0): ${listed(table)}.`;
    throw new DataError(problem, { file: label, column: what, value: choice });
  }
  const found = header ? names.indexOf(choice) : -1;
  if (found !== -1 && names.indexOf(choice, found + 1) === -1) return found;
  const problem = found === -1 ? `There is no ${what} column '${choice}'` : `There are two columns '${choice}'`;
  throw new DataError(`${problem}: ${listed(table)}.`, { file: label, column: what, value: choice });
}

/** No time in seconds or in days is so early; ratings are. */
const EARLIEST = 10;

/** Whether a column that would hold times holds numbers that are none. */
function isTooEarly({ sample }: Table, column: number): boolean {
  return sample.length > 0 && sample.every((row) => row[column] !== '' && Math.abs(Number(row[column])) <= EARLIEST);
}

/**
 * Whether positions can be trusted, where no column has a known name: the number of columns to pass over, which is 1 for
 * an index of the rows.
 *
 * @throws DataError if the table may be something else than one rating a line
 */
function checkPositions(table: Table, label: string, onePerson: boolean): number {
  const { names, header, sample } = table;
  const most = header ? 3 : 4;
  const cells = (column: number): number[] => sample.map((row) => Number(row[column]));
  const isIndex =
    !header && names.length >= 4 && sample.length >= 3 && [0, 1].some((from) => cells(0).every((cell, k) => cell === from + k));
  const index = isIndex && !onePerson && cells(3).every((cell) => Math.abs(cell) <= 100) ? 1 : 0;
  const ids = [index, index + 1].slice(onePerson ? 1 : 0);
  // More than half of the ids are numbers with decimals: these are ratings, 99 and 0 among them for those not given.
  const isMatrix = ids.some(
    (column) => 2 * cells(column).filter((id) => !Number.isInteger(id) && Number.isFinite(id)).length > sample.length,
  );
  const isDated = ids.some((column) => sample.length > 0 && sample.every((row) => !Number.isNaN(parseTime(row[column] ?? ''))));
  if (names.length - index <= most && !(header && names[0] === '') && !isMatrix && !isDated) return index;
  const why = isMatrix
    ? 'and its ids would be numbers with decimals'
    : isDated
      ? 'and its ids would be dates'
      : 'and it is unclear which of them hold users, items and ratings';
  throw new DataError(
    `${capital(listed(table))}, ${why}. Say so with userColumn, itemColumn and ratingColumn; ` +
      'a matrix with a line for each user must be written with one rating a line first.',
    { file: label },
  );
}

function listed({ names, header }: Table): string {
  const all = names.join(', ');
  return header ? `its columns are ${clip(all)}` : `it has ${names.length} columns and no header`;
}

const capital = (sentence: string): string => sentence[0].toUpperCase() + sentence.slice(1);
