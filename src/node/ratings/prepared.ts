/** Reads what `dotbias prepare` wrote: as a whole, or only the ratings of some blocks of users. */
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkWhole } from '../../base/check.js';
import { DataError, FileFormatError } from '../../base/errors.js';
import { fingerprint, fingerprintText } from '../../base/fingerprint.js';
import { BlockIds } from '../../data/block-ids.js';
import { CollabData, type CollabDataOptions, type EncodedRatings } from '../../data/collab-data.js';
import { type Deal, dealOf } from '../../data/deal.js';
import { ascends, type Id, IdMap, isId, NA } from '../../data/ids.js';
import type { Ratings } from '../../data/ratings.js';
import { DataShare } from '../../data/share.js';
import { ParquetFile, type RowGroup } from '../../read/parquet-file.js';
import { readTextFile } from '../disk/read-file.js';
import { FORMAT, type PreparedManifest, MANIFEST_FILE, preparedFiles, readManifest, total } from './manifest.js';
import { placed } from './ratings-file.js';

/** Ratings of some user blocks, by table row: by user block, then item block, then in the order of the data. */
export interface PreparedRatings {
  train: Ratings;
  valid: Ratings;
}

/** All that prepared ratings hold: ids by row, titles by id, and ratings by row. */
export interface PreparedContent {
  users: IdMap;
  items: IdMap;
  titles?: ReadonlyMap<Id, string> | undefined;
  train?: Ratings | undefined;
  valid?: Ratings | undefined;
}

/** Whether a folder has prepared ratings. */
export async function isPrepared(dir: string): Promise<boolean> {
  const file = join(dir, MANIFEST_FILE);
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true && (await readTextFile(file)).includes(FORMAT);
}

/**
 * Opens a folder that `dotbias prepare` or `prepareRatings` made.
 *
 * @throws FileFormatError if it has no manifest, or one that makes no sense
 */
export async function openPrepared(dir: string): Promise<Prepared> {
  const file = join(dir, MANIFEST_FILE);
  if (!(await isPrepared(dir))) {
    throw new FileFormatError(`${dir}: There is no ${MANIFEST_FILE} in it: it is no folder of prepared ratings, or was not finished.`);
  }
  const text = await readTextFile(file);
  try {
    return new Prepared(dir, readManifest(text));
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error;
    throw new FileFormatError(`${file}: ${error.message}`, { cause: error });
  }
}

/** Prepared ratings. What is read of them is checked: they may be of anybody. */
export class Prepared {
  #deals: Promise<{ users: Deal; items: Deal }> | undefined;

  /** @internal Use `openPrepared`. */
  constructor(
    /** The folder. */
    readonly dir: string,
    readonly manifest: PreparedManifest,
  ) {}

  /** Rows of the user table, `#na#` included. */
  get nUsers(): number {
    return total(this.manifest.users.blocks);
  }

  /** Rows of the item table, `#na#` included. */
  get nItems(): number {
    return total(this.manifest.items.blocks);
  }

  /**
   * How users and items are dealt to blocks: what `dealUsers` and `dealItems` make of the training ratings. Ten bytes a row.
   *
   * @throws DataError if a file is damaged
   */
  deals(): Promise<{ users: Deal; items: Deal }> {
    this.#deals ??= (async () => ({ users: await this.#deal('users'), items: await this.#deal('items') }))();
    return this.#deals;
  }

  /**
   * Ids of the rows of a block, in their order: `#na#` for row 0.
   *
   * @throws RangeError for a block that does not exist, DataError if the file is damaged
   */
  async ids(side: 'users' | 'items', block: number): Promise<Id[]> {
    const { blocks, fingerprints, ids: kind } = this.manifest[side];
    checkWhole('block', block, 0, blocks.length - 1);
    const first = total(blocks.slice(0, block));
    const file = await this.#open(preparedFiles[side], total(blocks));
    const ids: Id[] = [];
    for await (const group of file.groups(['row', 'id'], first, first + blocks[block])) {
      const [rows, values] = group.columns;
      for (let k = Math.max(first - group.begin, 0); k < Math.min(group.end, first + blocks[block]) - group.begin; k++) {
        ids.push(idOf(rows[k], values[k], kind, file.label));
      }
    }
    // While a manifest is made, it has no fingerprints yet.
    if (fingerprints[block] !== '' && fingerprintOfIds(ids) !== fingerprints[block]) throw damaged(file.label);
    return ids;
  }

  /**
   * The ratings of the user blocks `first` to `first + n - 1`, by default of all. Only their files are read.
   *
   * @throws RangeError for blocks that do not exist, DataError if a file is damaged or of other ratings
   */
  async ratings(first = 0, n = this.manifest.strata - first): Promise<PreparedRatings> {
    checkWhole('first', first, 0, this.manifest.strata - 1);
    checkWhole('n', n, 1, this.manifest.strata - first);
    const deals = await this.deals();
    return { train: await this.#part('train', first, n, deals), valid: await this.#part('valid', first, n, deals) };
  }

  /**
   * All of it, as `CollabData` has it: the same ids, rows, split and order of the ratings as of the original data.
   *
   * @param options as for `CollabData`; the seed decides the start and the order of training alone, by default that of the split
   * @throws as `ratings`; RangeError for an option out of range
   */
  async data(options: Pick<CollabDataOptions, 'seed' | 'name' | 'batchSize'> = {}): Promise<CollabData> {
    const { titles, ...ready } = await this.content({ ratings: true });
    return this.#made({ ...ready, train: ready.train!, valid: ready.valid! }, titles, options);
  }

  /**
   * The ids and titles of all users and items; and, with `ratings`, all ratings in the order of the data: 12 bytes each, more for a moment.
   *
   * @throws as `ratings`
   */
  async content({ ratings }: { ratings: boolean }): Promise<PreparedContent> {
    const { users, items } = await this.deals();
    return {
      users: await this.#idMap('users', users),
      items: await this.#idMap('items', items),
      titles: await this.#titles(),
      ...(ratings && { train: await this.#inOrder('train'), valid: await this.#inOrder('valid') }),
    };
  }

  /**
   * The share of a rank: the ratings of the user blocks `first` to `first + n - 1`, with the ids and titles of the blocks of these
   * numbers on both sides, and of all others what a training in as many strata needs, 14 bytes a row. Rank r of a ring of n ranks
   * trains on `share(r * strata / n, strata / n)`.
   *
   * @throws as `data`; RangeError for ratings in one stratum
   */
  async share(first: number, n: number, options: Pick<CollabDataOptions, 'seed' | 'name' | 'batchSize'> = {}): Promise<CollabData> {
    const { manifest } = this;
    const { strata, train, valid, unknown } = manifest;
    if (strata === 1) throw new RangeError('These ratings were prepared in one stratum, of which there are no shares: read all of them.');
    const { users, items } = await this.deals();
    const perRow = new Uint32Array(this.nUsers + this.nItems);
    await this.#counts('users', perRow.subarray(0, this.nUsers));
    await this.#counts('items', perRow.subarray(this.nUsers));
    const start = new Uint32Array(strata ** 2 + 1);
    train.blocks.forEach((size, block) => (start[block + 1] = start[block] + size));
    const ranges = { train: train.range!, valid: valid.range };
    const whole = { users, items, start, perRow, nValid: total(valid.blocks), ranges, unknown };
    const idsOf = async (side: 'users' | 'items', deal: Deal) => {
      const blocks: Id[][] = [];
      for (let block = first; block < first + n; block++) blocks.push(await this.ids(side, block));
      return new BlockIds(manifest[side].ids, deal, first, blocks);
    };
    const ready = {
      ...(await this.ratings(first, n)),
      users: await idsOf('users', users),
      items: await idsOf('items', items),
      share: new DataShare(whole, first, n),
    };
    return this.#made(ready, await this.#titles(items.start[first], items.start[first + n]), options);
  }

  #made(
    ready: Omit<EncodedRatings, 'duplicates' | 'fingerprint'>,
    titles: ReadonlyMap<Id, string> | undefined,
    { seed = this.manifest.seed, name = this.manifest.name, batchSize }: Pick<CollabDataOptions, 'seed' | 'name' | 'batchSize'>,
  ): CollabData {
    const { duplicates, fingerprint: print } = this.manifest;
    const known = { duplicates: { ...duplicates, onBothSides: 0 }, fingerprint: print };
    return CollabData.fromEncoded({ ...ready, ...known }, { seed, name, batchSize, titles });
  }

  async #open(name: string, nRows: number): Promise<ParquetFile> {
    const path = join(this.dir, this.manifest.folder, name);
    const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') throw new DataError('There is no such file: prepare the ratings again.', { file: path }, { cause });
      throw cause;
    });
    // The file is opened for each read: of a folder on a network, none stays open.
    const slice = async (start: number, end: number) => {
      const file = await open(path);
      try {
        return await placed(file, found.size, path).slice(start, end);
      } finally {
        await file.close();
      }
    };
    const file = await ParquetFile.open({ size: found.size, slice }, path);
    if (file.nRows !== nRows) throw damaged(path);
    return file;
  }

  async #deal(side: 'users' | 'items'): Promise<Deal> {
    const { blocks } = this.manifest[side];
    const nRows = total(blocks);
    const file = await this.#open(preparedFiles[side], nRows);
    const rows = new Uint32Array(nRows);
    for await (const group of file.groups(['row'])) fill(rows.subarray(group.begin, group.end), group, 0, file.label, nRows);
    const block = new Uint16Array(nRows).fill(0xffff);
    let at = 0;
    blocks.forEach((size, b) => {
      for (const end = at + size; at < end; at++) block[rows[at]] = b;
    });
    const deal = dealOf(block, blocks.length);
    // Each row once, and ascending in each block.
    if (block.includes(0xffff) || deal.rows.some((row, k) => row !== rows[k])) throw damaged(file.label);
    return deal;
  }

  /** Training ratings of each row of a side, to `out`. */
  async #counts(side: 'users' | 'items', out: Uint32Array): Promise<void> {
    const file = await this.#open(preparedFiles[side], out.length);
    for await (const group of file.groups(['row', 'count'])) {
      const [rows, counts] = [0, 1].map(() => new Uint32Array(group.end - group.begin));
      fill(rows, group, 0, file.label, out.length);
      fill(counts, group, 1, file.label);
      rows.forEach((row, k) => (out[row] = counts[k]));
    }
    const sum = out.reduce((all, count) => all + count, 0);
    if (sum !== total(this.manifest.train.blocks)) throw damaged(file.label);
  }

  async #part(part: 'train' | 'valid', first: number, n: number, deals: { users: Deal; items: Deal }): Promise<Ratings> {
    const { strata: S } = this.manifest;
    const { blocks } = this.manifest[part];
    const size = total(blocks.slice(first * S, (first + n) * S));
    const ratings = { users: new Uint32Array(size), items: new Uint32Array(size), ratings: new Float32Array(size) };
    for (let block = first * S, at = 0; block < (first + n) * S; block++) {
      await this.#block(part, block, at, ratings, deals);
      at += blocks[block];
    }
    return ratings;
  }

  /** Reads a block of ratings to the places from `at` on. */
  async #block(part: 'train' | 'valid', block: number, at: number, out: Ratings, deals: { users: Deal; items: Deal }, more?: More) {
    const { strata: S } = this.manifest;
    const [u, i] = [Math.floor(block / S), block % S];
    const size = this.manifest[part].blocks[block];
    if (size === 0) return;
    const file = await this.#open(preparedFiles.ratings(u, i, part), size);
    const to = <T extends Uint32Array | Float32Array | Float64Array>(array: T, group: RowGroup): T =>
      array.subarray(at + group.begin, at + group.end) as T;
    const names = ['user', 'item', 'rating', ...(more ? ['row'] : []), ...(more?.times ? ['time'] : [])];
    for await (const group of file.groups(names)) {
      fill(to(out.users, group), group, 0, file.label, this.manifest.users.blocks[u]);
      fill(to(out.items, group), group, 1, file.label, this.manifest.items.blocks[i]);
      fill(to(out.ratings, group), group, 2, file.label);
      if (more) fill(to(more.rows, group), group, 3, file.label, this.manifest.nRows);
      if (more?.times) fill(to(more.times, group), group, 4, file.label);
    }
    const [users, items, ratings] = [out.users, out.items, out.ratings].map((column) => column.subarray(at, at + size));
    if (fingerprint(users, items, ratings) !== this.manifest[part].fingerprints[block]) throw damaged(file.label);
    rowsOf(users as Uint32Array, deals.users, u);
    rowsOf(items as Uint32Array, deals.items, i);
  }

  /** A whole part in the order of the data. */
  async #inOrder(part: 'train' | 'valid'): Promise<Ratings> {
    const { strata: S, nRows, hasTimes } = this.manifest;
    const { blocks } = this.manifest[part];
    const size = total(blocks);
    const deals = await this.deals();
    const read = { users: new Uint32Array(size), items: new Uint32Array(size), ratings: new Float32Array(size) };
    const more: More = { rows: new Uint32Array(size), times: hasTimes ? new Float64Array(size) : undefined };
    for (let block = 0, at = 0; block < S * S; block++) {
      await this.#block(part, block, at, read, deals, more);
      at += blocks[block];
    }
    // Where each row of the data stands among those that were read.
    const found = new Uint32Array(nRows);
    for (let k = 0; k < size; k++) found[more.rows[k]] = k + 1;
    const order = new Uint32Array(size);
    let n = 0;
    for (let row = 0; row < nRows; row++) if (found[row] > 0) order[n++] = found[row] - 1;
    if (n !== size) throw damaged(join(this.dir, this.manifest.folder));
    return {
      users: order.map((k) => read.users[k]),
      items: order.map((k) => read.items[k]),
      ratings: Float32Array.from(order, (k) => read.ratings[k]),
      ...(more.times && { timestamps: Float64Array.from(order, (k) => more.times![k]) }),
    };
  }

  async #idMap(side: 'users' | 'items', { rows, start }: Deal): Promise<IdMap> {
    const size = rows.length - 1;
    const column: Float64Array | string[] = this.manifest[side].ids === 'number' ? new Float64Array(size) : Array.from({ length: size });
    for (let block = 0; block < this.manifest.strata; block++) {
      (await this.ids(side, block)).forEach((id, k) => {
        const row = rows[start[block] + k];
        if (row > 0) column[row - 1] = id;
      });
    }
    if (!ascends(column)) throw damaged(join(this.dir, this.manifest.folder));
    return new IdMap(column instanceof Float64Array ? column : [NA, ...column]);
  }

  /** Titles of items that have one, by id, of these rows of the file; undefined if there are none at all. */
  async #titles(first = 0, end = this.nItems): Promise<Map<Id, string> | undefined> {
    if (!this.manifest.hasTitles) return undefined;
    const file = await this.#open(preparedFiles.items, this.nItems);
    const titles = new Map<Id, string>();
    for await (const group of file.groups(['row', 'id', 'title'], first, end)) {
      const [rows, ids, texts] = group.columns;
      for (let k = Math.max(first - group.begin, 0); k < Math.min(group.end, end) - group.begin; k++) {
        if (typeof texts[k] === 'string') titles.set(idOf(rows[k], ids[k], this.manifest.items.ids, file.label), texts[k] as string);
      }
    }
    return titles;
  }
}

/** What only a whole part needs of its ratings: their rows in the data, and their times. */
interface More {
  rows: Uint32Array;
  times: Float64Array | undefined;
}

/** Fingerprint of the ids of a block. */
export function fingerprintOfIds(ids: readonly Id[]): string {
  return fingerprintText(JSON.stringify(ids));
}

/** Fingerprint of all prepared ratings. */
export function fingerprintOfAll({ users, items, train, valid }: Pick<PreparedManifest, 'users' | 'items' | 'train' | 'valid'>): string {
  return fingerprintText(JSON.stringify([users, items, train, valid].map(({ fingerprints }) => fingerprints)));
}

/** Copies a column of numbers. @throws DataError unless each is one that the array can hold, and whole numbers are below `limit` */
function fill(
  out: Uint32Array | Float32Array | Float64Array,
  { columns }: RowGroup,
  column: number,
  label: string,
  limit = Infinity,
): void {
  const values = columns[column] as ArrayLike<number>;
  for (let k = 0; k < out.length; k++) {
    out[k] = values[k];
    if (out[k] !== values[k] || out[k] >= limit) throw damaged(label);
  }
}

/** Makes rows of places in a block. */
function rowsOf(places: Uint32Array, { rows, start }: Deal, block: number): void {
  const first = start[block];
  for (let k = 0; k < places.length; k++) places[k] = rows[first + places[k]];
}

/** @throws DataError unless the value is an id of this kind, or null in row 0 */
function idOf(row: unknown, value: unknown, kind: 'number' | 'text', label: string): Id {
  if (row === 0) return NA;
  const id = typeof value === 'bigint' ? Number(value) : value;
  if (isId(id) && id !== NA && (typeof id === 'number') === (kind === 'number')) return id;
  throw damaged(label);
}

function damaged(label: string): DataError {
  return new DataError('It is damaged, or belongs to other ratings: prepare the ratings again.', { file: label });
}
