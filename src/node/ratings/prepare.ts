/** Prepares ratings that are too many for one machine's memory: see docs/prepare.md. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkChoice, checkPositive, checkSeed, checkShare, checkWhole } from '../../base/check.js';
import { DotbiasError } from '../../base/errors.js';
import { fingerprint } from '../../base/fingerprint.js';
import { VERSION } from '../../base/version.js';
import { blockSizes, type Deal, dealItems, dealUsers } from '../../data/deal.js';
import { type DuplicateChoice, DUPLICATES } from '../../data/duplicates.js';
import { duplicateNotes } from '../../data/notes.js';
import type { ReadOptions } from '../../read/options.js';
import { checkReadOptions, type Skipped } from '../../read/ratings-file.js';
import { writeFileAtomic } from '../disk/files.js';
import { makeFolder } from '../disk/folders.js';
import { removeLeftovers, scratchFolder } from '../disk/leftovers.js';
import { LOCK_FILE, lockFolder } from '../disk/lock.js';
import { Database } from './duckdb.js';
import {
  DATA_FOLDER,
  type PreparedManifest,
  MANIFEST_FILE,
  MAX_STRATA,
  preparedFiles,
  type PreparedPart,
  writeManifest,
} from './manifest.js';
import { addRows, encodeIds, keepPairs, knownIds, notesOnStagedIds, type Side, SIDES, sortRatings, splitPairs } from './prepare-tables.js';
import { fingerprintOfAll, fingerprintOfIds, isPrepared, openPrepared, Prepared } from './prepared.js';
import { type Staged, stageRatings } from './stage.js';

/** How ratings are read, split and prepared; all optional. */
export interface PrepareOptions extends ReadOptions {
  /** Blocks of users, and of items: from 1 to 64. Default 8. */
  strata?: number | undefined;
  /** Share kept for validation, as in `CollabData`. Default 0.2. */
  validPct?: number | undefined;
  /** Decides the split. Default 42. */
  seed?: number | undefined;
  /** What to do where one user rates one item several times, as in `CollabData`. Default 'keep'. */
  duplicates?: DuplicateChoice | undefined;
  /** Bytes of memory that DuckDB may use; what exceeds them is kept in the folder meanwhile. Default 2 GiB. */
  memory?: number | undefined;
  /** Threads of DuckDB. Default: one for each core. */
  threads?: number | undefined;
  /** Told what is done now, and while ratings are read how many there are so far. */
  onProgress?: ((stage: PrepareStage, nRatings: number) => void) | undefined;
}

/** What is done one after the other. */
export type PrepareStage = 'reading' | 'numbering ids' | 'looking for duplicates' | 'splitting' | 'sorting' | 'writing';

/** What was prepared. */
export interface PreparedReport extends Skipped {
  manifest: PreparedManifest;
}

const OPTIONS = ['strata', 'validPct', 'seed', 'duplicates', 'memory', 'threads', 'onProgress'] as const;
const DEFAULT_MEMORY = 2 ** 31;

/**
 * Splits ratings as `CollabData` does, deals users and items to blocks as a training in strata does, and writes a Parquet file for
 * each pair of blocks, so that each rank of a training on many machines reads only its own. The data may exceed the memory: it is
 * DuckDB (`@duckdb/node-api`, to be installed beside dotbias-node) that sorts and joins them.
 *
 * A folder that holds prepared ratings keeps them until the new ones are complete.
 *
 * @param source a file, folder or pattern, or a list of these, as for `readRatings`, by whose rules they are read
 * @param dir the folder to write: a new one, an empty one, or one with prepared ratings, which are replaced
 * @throws DataError as `readRatings`, and for duplicates that are refused; RangeError and TypeError for options; DotbiasError if
 *   DuckDB is missing or fails, or the folder holds something else; the file system's error
 */
export async function prepareRatings(
  source: string | readonly string[],
  dir: string,
  options: PrepareOptions = {},
): Promise<PreparedReport> {
  checkReadOptions('prepareRatings', options, OPTIONS);
  const { strata = 8, validPct = 0.2, seed = 42, duplicates = 'keep', memory = DEFAULT_MEMORY, threads, onProgress, ...reading } = options;
  checkWhole('strata', strata, 1, MAX_STRATA);
  checkShare('validPct', validPct);
  checkSeed(seed);
  checkChoice('duplicates', duplicates, DUPLICATES);
  checkPositive('memory', memory);
  if (threads !== undefined) checkWhole('threads', threads, 1);
  let nRatings = 0;
  const tell = (stage: PrepareStage) => onProgress?.(stage, nRatings);

  return inFolder(dir, async (folder) => {
    const db = await Database.create(folder.scratch, { memory, threads });
    try {
      tell('reading');
      const sources = typeof source === 'string' ? [source] : source;
      const staged = await stageRatings(db, sources, reading, (n) => void ((nRatings = n), tell('reading')));
      tell('numbering ids');
      await encodeIds(db, staged.isText);
      const notes = [...staged.notes, ...(await notesOnStagedIds(db, staged.isText))];
      tell('looking for duplicates');
      const { found, without } = await keepPairs(db, duplicates, staged);
      tell('splitting');
      await splitPairs(db, staged.nRows, without, validPct, seed);
      const deals = {
        user: await dealSide(db, 'user', (counts) => dealUsers(counts, strata)),
        item: await dealSide(db, 'item', (counts) => dealItems(counts, strata)),
      };
      tell('sorting');
      await sortRatings(db, deals);
      tell('writing');
      const settings = { strata, seed, validPct, duplicates: { choice: duplicates, ...found } };
      const manifest = await writeAll(db, folder, staged, deals, settings);
      await writeFileAtomic(join(folder.path, MANIFEST_FILE), writeManifest(manifest));
      return {
        manifest,
        skipped: staged.skipped,
        skippedExamples: staged.skippedExamples,
        notes: [...notes, ...duplicateNotes({ ...found, onBothSides: 0 }, duplicates)],
      };
    } finally {
      db.close();
    }
  });
}

/** Numbers the ids that training knows, and deals them to blocks. */
async function dealSide(db: Database, side: Side, dealBy: (counts: Uint32Array) => Deal): Promise<Deal> {
  const known = await knownIds(db, side);
  const deal = dealBy(known.counts);
  await addRows(db, side, known, deal);
  return deal;
}

/** Writes all files to a new data folder, and returns what the manifest says of them. */
async function writeAll(
  db: Database,
  { scratch, path }: WorkFolder,
  { isText, hasTimes, name, nRows, titles }: Staged,
  deals: Readonly<Record<Side, Deal>>,
  settings: Pick<PreparedManifest, 'strata' | 'seed' | 'validPct' | 'duplicates'>,
): Promise<PreparedManifest> {
  const { strata } = settings;
  const folder = `data-${randomBytes(8).toString('hex')}`;
  const data = join(scratch, folder);
  const copy = (select: string, file: string) =>
    db.run(`COPY (${select}) TO ${quoted(join(data, file))} (FORMAT parquet, PARQUET_VERSION v2)`);
  await mkdir(data);
  const titleTable = await db.table('titles', { id: 'VARCHAR', title: 'VARCHAR' });
  if (titles !== undefined) titleTable.append([[...titles.keys()].map(String), [...titles.values()]]);
  titleTable.close();
  for (const side of SIDES) {
    const [title, withTitles] =
      side === 'item' && titles !== undefined ? [', title', 'LEFT JOIN titles t ON s.id::VARCHAR = t.id'] : ['', ''];
    const ids = `(SELECT r.row, i.id, block, place, count FROM ${side}_rows r LEFT JOIN ${side}_ids i USING (code))`;
    await copy(
      `SELECT row, s.id, block, place, count${title} FROM ${ids} s ${withTitles} ORDER BY block, place`,
      preparedFiles[`${side}s`],
    );
  }
  for (let u = 0; u < strata; u++) for (let i = 0; i < strata; i++) await mkdir(join(data, `ub=${u}/ib=${i}`), { recursive: true });
  const columns = `"user", item, rating, row${hasTimes ? ', time' : ''}`;
  const writePart = async (part: 'train' | 'valid'): Promise<PreparedPart> => {
    const where = (u: number, i: number) =>
      `FROM sorted WHERE ub = ${u} AND ib = ${i} AND ${part === 'valid' ? '' : 'NOT '}valid ORDER BY row`;
    const blocks: number[] = [];
    const fingerprints: string[] = [];
    for (let u = 0; u < strata; u++) {
      for (let i = 0; i < strata; i++) {
        const [size, print] = await fingerprintOf(db, `SELECT "user", item, rating ${where(u, i)}`);
        blocks.push(size);
        fingerprints.push(print);
        if (size > 0) await copy(`SELECT ${columns} ${where(u, i)}`, preparedFiles.ratings(u, i, part));
      }
    }
    const [min, max] = (await db.row(`SELECT min(rating), max(rating) FROM sorted WHERE valid = ${part === 'valid'}`)) as [number, number];
    return { blocks, fingerprints, ...(blocks.some((size) => size > 0) && { range: [min, max] as const }) };
  };
  const sideOf = (deal: Deal, isTextSide: boolean) => ({
    ids: isTextSide ? ('text' as const) : ('number' as const),
    blocks: blockSizes(deal),
    fingerprints: Array.from({ length: deal.nBlocks }, () => ''),
  });
  const ofNa = (column: string, block: string, { block: blocks, place }: Deal) =>
    `count(*) FILTER (${block} = ${blocks[0]} AND ${column} = ${place[0]})`;
  const [users, items] = (await db.row(
    `SELECT ${ofNa('"user"', 'ub', deals.user)}, ${ofNa('item', 'ib', deals.item)} FROM sorted WHERE valid`,
  )) as [number, number];
  const draft: PreparedManifest = {
    version: VERSION,
    folder,
    name,
    ...settings,
    hasTimes,
    hasTitles: titles !== undefined,
    nRows,
    users: sideOf(deals.user, isText.users),
    items: sideOf(deals.item, isText.items),
    train: await writePart('train'),
    valid: await writePart('valid'),
    unknown: { users, items },
    fingerprint: '',
  };
  // Read back as whoever trains reads them.
  const written = new Prepared(scratch, draft);
  for (const side of ['users', 'items'] as const) {
    const fingerprints: string[] = [];
    for (let block = 0; block < strata; block++) fingerprints.push(fingerprintOfIds(await written.ids(side, block)));
    draft[side] = { ...draft[side], fingerprints };
  }
  await rename(data, join(path, folder));
  return { ...draft, fingerprint: fingerprintOfAll(draft) };
}

/** Number and fingerprint of the ratings of a block. */
async function fingerprintOf(db: Database, select: string): Promise<[size: number, fingerprint: string]> {
  const [size] = (await db.row(`SELECT count(*) FROM (${select})`)) as [number];
  const columns = [new Uint32Array(size), new Uint32Array(size), new Float32Array(size)];
  let at = 0;
  for await (const chunk of db.stream(select)) {
    chunk.forEach((values, k) => columns[k].set(values, at));
    at += chunk[0].length;
  }
  return [size, fingerprint(...columns)];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Where prepared ratings are written. */
interface WorkFolder {
  path: string;
  /** A folder in it for what is not complete, gone at the end. */
  scratch: string;
}

/** What a folder of prepared ratings may hold besides them: what was left by a process that was killed. */
const OURS = /^\.dotbias-.*\.tmp$/;

/** @throws DotbiasError if a folder holds something else than prepared ratings */
export async function checkPreparedFolder(dir: string): Promise<void> {
  const names: string[] = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const isOther = (name: string) => name !== LOCK_FILE && !OURS.test(name) && !DATA_FOLDER.test(name) && name !== MANIFEST_FILE;
  const isForeign = names.includes(MANIFEST_FILE) && !(await isPrepared(dir));
  const other = names.find(isOther) ?? (isForeign ? MANIFEST_FILE : undefined);
  if (other !== undefined) {
    throw new DotbiasError(`${dir} holds '${other}', which is no part of prepared ratings: name a new folder, or an empty one.`);
  }
}

/** Has a folder for itself while `work` goes on. Afterwards no files are left in it but those that its manifest names. */
async function inFolder<T>(dir: string, work: (folder: WorkFolder) => Promise<T>): Promise<T> {
  await checkPreparedFolder(dir);
  const made = await makeFolder(dir);
  try {
    const path = await realpath(dir);
    const lock = await lockFolder(path);
    try {
      await removeLeftovers(path);
      await removeOldData(path);
      const scratch = await scratchFolder(path);
      try {
        return await work({ path, scratch: scratch.path });
      } finally {
        await scratch.remove();
        await removeOldData(path);
      }
    } finally {
      lock.release();
    }
  } catch (error) {
    for (const folder of made.reverse()) await rmdir(folder).catch(() => undefined);
    throw error;
  }
}

/** Removes the data folders that the manifest does not name. */
async function removeOldData(path: string): Promise<void> {
  const kept = await openPrepared(path).then(
    ({ manifest }): string | undefined => manifest.folder,
    () => undefined,
  );
  for (const name of await readdir(path)) {
    if (DATA_FOLDER.test(name) && name !== kept) await rm(join(path, name), { recursive: true, force: true });
  }
}
