/** `dotbias recommend --all` and `--users-file`: the lists of many users, written to a file block by block. */
import type { CollabModel } from '../../answer/collab-model.js';
import { findUser } from '../../answer/look-up.js';
import { listsPerCall } from '../../answer/top-lists.js';
import type { ModelInfo } from '../../answer/trained-model.js';
import { counted } from '../../base/count.js';
import { type Id, type IdMap, otherForm } from '../../data/ids.js';
import type { UnknownIds } from '../../model/rows.js';
import type { OpenedGpu } from '../../node/device/device.js';
import { readTextFile, readTextOfStdin } from '../../node/disk/read-file.js';
import { idKind, itemColumns, placesOf } from '../../node/export/places.js';
import type { Block, Column } from '../../node/export/columns.js';
import { checkEnding, writeTable } from '../../node/export/table.js';
import { readModelFile } from '../../node/files/model-file.js';
import { checkFiles } from '../options/outputs.js';
import { type SavedModelFlags, withModel } from '../options/saved-model.js';
import { deviceLine } from '../print/head.js';
import { countProgress } from '../print/progress.js';
import { UsageError } from '../process/errors.js';
import { note, print } from '../process/terminal.js';

/** Whose lists, and where to. */
export interface ManyUsersFlags {
  all?: boolean | undefined;
  usersFile?: string | undefined;
  out?: string | undefined;
  quiet?: boolean | undefined;
}

/** What a list is made of, for one user or many. */
export interface ListFlags {
  n: number;
  exclude: 'rated' | 'none';
  unknown: UnknownIds;
}

interface Flags extends SavedModelFlags, ManyUsersFlags, ListFlags {}

/** Writes the lists of many users. */
export async function recommendMany(flags: Flags): Promise<void> {
  const { model: file, out, usersFile, quiet = false } = flags;
  if (out === undefined) throw new UsageError(`${usersFile === undefined ? '--all' : '--users-file'} needs --out, the file to write.`);
  checkEnding(out);
  await checkFiles({ reads: { '--model': file, '--users-file': usersFile }, writes: { '--out': out } });
  const saved = await readModelFile(file);
  checkRated(saved, flags);
  const users = usersFile === undefined ? usersOf(saved.users) : await readUsers(saved, usersFile, flags.unknown);
  const make = async (model: CollabModel, device: OpenedGpu) => {
    print(deviceLine(device));
    const progress = await countProgress('users', users.size, quiet);
    const table = listsOf(model, users, flags, progress.update);
    try {
      await writeTable(out, table.columns, table.blocks());
    } finally {
      progress.clear();
    }
    print(`${counted(table.nPlaces(), 'recommendation')} for ${counted(users.size, 'user')} written to ${out}`);
  };
  await withModel(saved, flags, make, users.size * saved.items.size);
}

/** The lists as a table that is made while it is read, and how many places it had. */
function listsOf(model: CollabModel, users: Users, { n, exclude, unknown }: ListFlags, onProgress: (nUsers: number) => void) {
  const items = itemColumns(model.info, 'item', 'title');
  const columns: Column[] = [
    { name: 'user', kind: users.kind },
    { name: 'rank', kind: 'rank' },
    ...items.columns,
    { name: 'prediction', kind: 'float' },
  ];
  const nKept = atMost(model.info, n);
  const step = listsPerCall(nKept);
  let nPlaces = 0;
  async function* blocks(): AsyncGenerator<Block> {
    for (let first = 0; first < users.size; first += step) {
      const some = users.slice(first, first + step);
      const lists = await model.recommendAll(nKept, {
        users: some,
        exclude,
        unknown,
        onProgress: ({ done, total }) => onProgress(first + Math.floor((some.length * done) / total)),
      });
      const places = placesOf(lists);
      nPlaces += places.items.length;
      yield [Array.from(places.lists, (k) => some[k]), places.ranks, ...items.block(places.items), places.values];
    }
  }
  return { columns, blocks, nPlaces: () => nPlaces };
}

/** Users in their order. */
interface Users {
  readonly size: number;
  readonly kind: Column['kind'];
  slice(first: number, end: number): Id[];
}

/** All users of a model. */
function usersOf(map: IdMap): Users {
  const size = map.size - 1;
  const slice = (first: number, end: number) => Array.from({ length: Math.min(end, size) - first }, (_, k) => map.idOf(first + k + 1));
  return { size, kind: idKind(map), slice };
}

/** Those whom a file names, an id on each line, each once. @throws UsageError for a stranger with `unknown: 'error'`, or none at all */
async function readUsers(saved: ModelInfo, file: string, unknown: UnknownIds): Promise<Users> {
  const label = file === '-' ? 'standard input' : file;
  const text = file === '-' ? await readTextOfStdin() : await readTextFile(file);
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  const asNumber = idKind(saved.users) === 'whole';
  const idOf = (name: string, k: number): Id => {
    const row = saved.users.indexOf(name);
    if (row > 0) return saved.users.idOf(row);
    if (unknown !== 'error') return asNumber ? otherForm(name) : name;
    try {
      return findUser(saved, name);
    } catch (error) {
      throw new UsageError(`${label}, line ${k + 1}: ${(error as Error).message}`, { cause: error });
    }
  };
  const named = lines.flatMap((name, k) => (name === '' ? [] : [idOf(name, k)]));
  const ids = [...new Set(named)];
  if (ids.length === 0) throw new UsageError(`${label}: This names no user; write one id on each line.`);
  if (ids.length < named.length) note(`${label}: ${counted(named.length - ids.length, 'line')} left out that name a user again.`);
  // One stranger whose id is no number makes a column of texts of all.
  const isText = ids.some((id) => typeof id === 'string');
  const all = isText ? ids.map(String) : ids;
  return { size: all.length, kind: isText ? 'text' : 'whole', slice: (first, end) => all.slice(first, end) };
}

/** @throws UsageError where what users rated is to be left out, and the model does not know it */
export function checkRated(saved: ModelInfo, { model: file, exclude }: SavedModelFlags & Pick<ListFlags, 'exclude'>): void {
  if (exclude !== 'rated' || saved.train !== undefined) return;
  throw new UsageError(
    `${file} does not say what its users rated (it was saved with --no-ratings, or imported): ` +
      "add --exclude none, or give one user's ratings with --ratings.",
  );
}

/** As many places as asked for, but no more than there are items. */
export function atMost({ items }: ModelInfo, n: number): number {
  return Math.max(1, Math.min(n, items.size - 1));
}
