import { checkChoice, checkOptions, checkRange, show } from '../base/check.js';
import type { RatingColumns } from '../data/collab-data.js';
import type { Id } from '../data/ids.js';
import { checkEncoding } from './encoding.js';
import { READ_OPTIONS, type ReadOptions } from './options.js';
import { MAX_EXAMPLES, type PiecesEnd, type RatingPiece, RatingRows } from './rating-rows.js';

/** What is to be said of the reading. */
export interface Skipped {
  /** Number of malformed rows left out, see `skipBadRows`. */
  skipped: number;
  /** A sentence about each of the first five. */
  skippedExamples: string[];
  /** A sentence about each thing that was read in a way one might not expect, such as comments, or a column without a name. */
  notes: string[];
}

/** Ratings as they were read. */
export interface RatingsFile extends Skipped {
  /**
   * Ids are numbers if every field of the column, in all files of the run, is the canonical text of a whole number below
   * 2^53, otherwise strings. Timestamps, if there are any, are as in the file; dates are seconds since 1970.
   */
  columns: RatingColumns;
  /** Name of the folder, such as 'ml-100k', or of the file, such as 'ml-100k.zip'. */
  name: string;
  /**
   * Item titles by item id, if the file belongs to a folder or an archive of MovieLens, or is one person's and has a column of
   * titles.
   */
  titles?: Map<Id, string> | undefined;
}

/** Ratings that were split already, as they were read: `columns` of `RatingsFile` for each part. */
export interface RatingsSplit extends Skipped {
  train: RatingColumns;
  valid: RatingColumns;
  /** Names of both files. */
  name: string;
  /** Item titles by item id, as for `RatingsFile`. */
  titles?: Map<Id, string> | undefined;
}

/** Something that holds rows: it adds them all, and may return titles that lie beside them. */
export type RowSource = (rows: RatingRows) => Promise<Map<Id, string> | undefined | void>;

/** Sources that are read one after the other as if they were one file. */
export interface Group {
  name: string;
  sources: readonly RowSource[];
}

/** @throws RangeError for an option out of range, TypeError for one that does not exist or is of another type */
export function checkReadOptions(of: string, options: ReadOptions, others: readonly string[] = []): void {
  checkOptions(of, options, [...READ_OPTIONS, ...others]);
  const { ratingRange, delimiter, encoding } = options;
  if (ratingRange !== undefined) checkRange('ratingRange', ratingRange);
  if (delimiter === '') throw new RangeError('delimiter must not be empty.');
  if (delimiter !== undefined && typeof delimiter !== 'string') throw new TypeError(`delimiter must be a text, not ${show(delimiter)}.`);
  for (const name of ['header', 'onePerson', 'skipBadRows', 'textIds'] as const) {
    if (options[name] !== undefined) checkChoice(name, options[name], [true, false]);
  }
  for (const name of ['userColumn', 'itemColumn', 'ratingColumn', 'timestampColumn', 'titleColumn'] as const) {
    const choice: unknown = options[name] ?? '';
    if (typeof choice === 'string' || typeof choice === 'number') continue;
    throw new TypeError(`${name} must be the name of a column or its position, not ${show(choice)}.`);
  }
  checkEncoding(encoding);
}

/**
 * Reads groups of sources. A column of ids that is text in one group is text in all, so that the same text is the same id
 * everywhere.
 *
 * @throws DataError as `readText`
 */
export async function readGroups(groups: readonly Group[], options: ReadOptions): Promise<RatingsFile[]> {
  const read: RatingRows[] = [];
  const besides: (Map<Id, string> | undefined)[] = [];
  for (const { sources } of groups) {
    const rows = new RatingRows(options, read.at(-1));
    let titles: Map<Id, string> | undefined;
    for (const source of sources) titles = mergeTitles(titles, (await source(rows)) ?? undefined);
    read.push(rows);
    besides.push(titles);
  }
  for (const column of ['users', 'items'] as const) {
    if (read.some((rows) => rows[column].isText)) read.forEach((rows) => rows[column].toText());
  }
  return read.map((rows, k) => {
    const { columns, skippedExamples } = rows.finish();
    const titles = rows.titles ? byId(rows.titles, rows.items.isText) : besides[k];
    return { columns, name: groups[k].name, skipped: rows.skipped, skippedExamples, notes: rows.notes, ...(titles && { titles }) };
  });
}

/** Who takes ratings piece by piece. */
export interface PieceSink {
  take(piece: RatingPiece): void;
  /** Leaves out the rows of all pieces with a negative id of a side that is no text; resolves to how many are left. */
  dropNegative(isText: PiecesEnd['isText']): Promise<number>;
}

/** Ratings that were given away piece by piece. */
export interface PiecesRead extends Skipped, PiecesEnd {
  name: string;
  titles?: Map<Id, string> | undefined;
}

/** Reads one group in the memory of one piece. Notes on odd ids are for the sink. @throws DataError as `readText` */
export async function readPieces({ name, sources }: Group, options: ReadOptions, sink: PieceSink): Promise<PiecesRead> {
  const rows = new RatingRows(options, undefined, (piece) => sink.take(piece));
  let titles: Map<Id, string> | undefined;
  for (const source of sources) titles = mergeTitles(titles, (await source(rows)) ?? undefined);
  const end = await rows.finishPieces((isText) => sink.dropNegative(isText));
  return { ...end, name, skipped: rows.skipped, notes: rows.notes, titles };
}

/** Both parts of a split, of which the first is to be trained on. */
export function asSplit([train, valid]: readonly RatingsFile[]): RatingsSplit {
  return {
    train: train.columns,
    valid: valid.columns,
    name: `${train.name} / ${valid.name}`,
    skipped: train.skipped + valid.skipped,
    skippedExamples: [...train.skippedExamples, ...valid.skippedExamples].slice(0, MAX_EXAMPLES),
    notes: [...train.notes, ...valid.notes],
    ...(train.titles && { titles: train.titles }),
  };
}

function byId(titles: Map<string, string>, isText: boolean): Map<Id, string> {
  return new Map([...titles].map(([id, title]) => [isText ? id : Number(id), title]));
}

/** The titles of several sources; the first title of an item counts. */
function mergeTitles(first: Map<Id, string> | undefined, then: Map<Id, string> | undefined): Map<Id, string> | undefined {
  return first && then ? new Map([...then, ...first]) : (first ?? then);
}
