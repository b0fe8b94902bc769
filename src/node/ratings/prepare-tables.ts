/**
 * What `CollabData` does with ratings in memory, and `Strata` with those to train on, as statements of a database: ids sorted and
 * numbered, duplicates, split, table rows, blocks. Everything has its order from the rows of the data, never from the database.
 */
import { permutationKey, permute, STREAM } from '../../base/random.js';
import type { Deal } from '../../data/deal.js';
import { type DuplicateChoice, ratedTwice } from '../../data/duplicates.js';
import type { Id } from '../../data/ids.js';
import { notesOnIds } from '../../read/odd-ids.js';
import type { Database } from './duckdb.js';
import type { Staged } from './stage.js';

export type Side = 'user' | 'item';
export const SIDES: readonly Side[] = ['user', 'item'];

/** U+10FFFF, the last of all characters in the database's order, which is that of UTF-8. */
const LAST = 'chr(1114111)';
/**
 * Sorts texts as JavaScript does, by UTF-16 code unit: characters beyond U+FFFF, whose units are surrogates, come before U+E000 to
 * U+FFFF. So these get U+10FFFF put before them, and U+10FFFF itself U+0001 behind it, which keeps it apart.
 */
const TEXT_ORDER = `regexp_replace(replace(id, ${LAST}, ${LAST} || chr(1)), '([\\x{E000}-\\x{FFFF}])', ${LAST} || '\\1', 'g')`;

/** Numbers users and items by their sorted ids: the tables `user_ids` and `item_ids` (code, id, first), and `rated` (row, codes, ...). */
export async function encodeIds(db: Database, isText: Staged['isText']): Promise<void> {
  for (const side of SIDES) {
    const order = isText[`${side}s`] ? TEXT_ORDER : 'id';
    await db.run(
      `CREATE TABLE ${side}_ids AS SELECT (row_number() OVER (ORDER BY ${order}) - 1)::UINTEGER AS code, id, first ` +
        `FROM (SELECT ${side} AS id, min(row) AS first FROM staged GROUP BY ${side})`,
    );
  }
  await db.run(
    'CREATE TABLE rated AS SELECT row::UINTEGER AS row, u.code AS user, i.code AS item, rating, time ' +
      'FROM staged s JOIN user_ids u ON s.user = u.id JOIN item_ids i ON s.item = i.id',
  );
}

/** White space as `trim` of JavaScript knows it. */
const SPACE = '[\\s\\x0B\\x{00A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}]';

/** An id as a text that DuckDB's client gives as it is: of one that begins with a byte order mark it would take that away. */
const READABLE = (id: string) => `'=' || ${id}::VARCHAR`;
const readId = <T extends boolean>(text: unknown, isText: T) =>
  (isText ? String(text).slice(1) : Number(String(text).slice(1))) as T extends true ? string : Id;

/** What `readRatings` says of odd ids. */
export async function notesOnStagedIds(db: Database, isText: Staged['isText']): Promise<string[]> {
  const notes: string[] = [];
  for (const side of SIDES) {
    if (!isText[`${side}s`]) continue;
    const [count] = await db.row(`SELECT count(*) FROM ${side}_ids`);
    const isCanonical = `regexp_full_match(id, '0|-?[1-9][0-9]{0,15}') AND abs(TRY_CAST(id AS BIGINT)) <= 9007199254740991`;
    const odd = [
      `NOT coalesce(${isCanonical}, false) ORDER BY first LIMIT 4`,
      `regexp_matches(id, '^${SPACE}|${SPACE}$') ORDER BY first LIMIT 1`,
      "regexp_full_match(id, '-?[0-9]([.,][0-9]+)?E\\+[0-9]+') ORDER BY first LIMIT 1",
    ].map((where) => `(SELECT id, first FROM ${side}_ids WHERE ${where})`);
    const texts = await db.rows(`SELECT ${READABLE('id')} FROM (${odd.join(' UNION ')}) ORDER BY first`);
    notes.push(
      ...notesOnIds(
        texts.map(([text]) => readId(text, true)),
        side,
        Number(count),
      ),
    );
  }
  return notes;
}

/** Pairs of user and item that have several ratings. */
export interface Duplicates {
  pairs: number;
  /** Ratings of these pairs beyond the first. */
  surplus: number;
}

/**
 * Does with ratings of the same pair what was chosen: the table `kept` has the rows that are left, each with the row at which its pair
 * stands, `pair`. See `mergeDuplicates`.
 *
 * @returns also the rows at which no pair stands, ascending
 * @throws DataError for 'error', if there are any; as `Database.run`
 */
export async function keepPairs(
  db: Database,
  choice: DuplicateChoice,
  { isText, hasTimes }: Staged,
): Promise<{ found: Duplicates; without: Uint32Array }> {
  await db.run(
    'CREATE TABLE multiple AS SELECT user, item, count(*) AS n, min(row) AS first FROM rated GROUP BY user, item HAVING count(*) > 1',
  );
  const [pairs, surplus] = (await db.row('SELECT count(*), coalesce(sum(n - 1), 0)::BIGINT FROM multiple')) as [number, number];
  const without = new Uint32Array(surplus);
  if (pairs === 0) {
    await db.run('CREATE VIEW kept AS SELECT *, row AS pair FROM rated');
    return { found: { pairs, surplus }, without };
  }
  await db.run('CREATE TABLE doubled AS SELECT r.*, m.first::UINTEGER AS first FROM rated r JOIN multiple m USING (user, item)');
  if (choice === 'error') {
    const [again] = await db.rows(
      `SELECT ${READABLE('u.id')}, ${READABLE('i.id')}, r.first, r.row FROM (SELECT * FROM doubled WHERE row > first ORDER BY row ` +
        'LIMIT 1) r JOIN user_ids u ON r.user = u.code JOIN item_ids i ON r.item = i.code',
    );
    const [user, item] = [readId(again[0], isText.users), readId(again[1], isText.items)];
    throw ratedTwice(user, item, again[2] as number, again[3] as number);
  }
  const ofLatest = (column: string, as = column) => `first(${column} ORDER BY ${hasTimes ? 'time DESC, ' : ''}row DESC) AS ${as}`;
  // Of each pair with several ratings: the rows that stay, with rating and time, and where the pair stands.
  const chosen = {
    keep: 'SELECT row, user, item, rating, time, first AS pair FROM doubled',
    last:
      `SELECT ${ofLatest('row')}, user, item, ${ofLatest('rating')}, ${ofLatest('time')}, ${ofLatest('row', 'pair')} ` +
      'FROM doubled GROUP BY user, item',
    mean:
      'SELECT min(row) AS row, user, item, (sum(rating::DOUBLE ORDER BY row) / count(*))::FLOAT AS rating, ' +
      `${ofLatest('time')}, min(row) AS pair FROM doubled GROUP BY user, item`,
  }[choice];
  await db.run(`CREATE TABLE chosen AS ${chosen}`);
  await db.run(
    'CREATE TABLE kept AS SELECT row, user, item, rating, time, row AS pair FROM rated ANTI JOIN multiple USING (user, item) ' +
      'UNION ALL SELECT row, user, item, rating, time, pair FROM chosen',
  );
  let at = 0;
  const rows = 'SELECT row FROM doubled ANTI JOIN (SELECT pair AS row FROM chosen) USING (row) ORDER BY row';
  for await (const [some] of db.stream(rows)) {
    without.set(some, at);
    at += some.length;
  }
  return { found: { pairs, surplus }, without };
}

/** Pairs whose rows are added to the database at once. */
const PIECE = 1 << 18;

/**
 * The random split of pairs, see `splitRows`: the table `split` is `kept` with the column `valid`. The pairs are counted by the rows at
 * which they stand.
 *
 * @param nRows of the data, with those at which no pair stands, `without`
 */
export async function splitPairs(db: Database, nRows: number, without: Uint32Array, validPct: number, seed: number): Promise<void> {
  const nPairs = nRows - without.length;
  const nValid = Math.floor(validPct * nPairs);
  const key = permutationKey(seed, STREAM.SPLIT);
  const table = await db.table('valid_pairs', { pair: 'UINTEGER' });
  for (let first = 0; first < nValid; first += PIECE) {
    const rows = Uint32Array.from({ length: Math.min(PIECE, nValid - first) }, (_, k) => rowOf(permute(nPairs, key, first + k), without));
    table.append([rows]);
  }
  table.close();
  await db.run('CREATE TABLE split AS SELECT k.*, v.pair IS NOT NULL AS valid FROM kept k LEFT JOIN valid_pairs v USING (pair)');
}

/** The row at which a pair stands: the `pair`-th of all rows but those `without`. Before without[j] there are without[j] - j pairs. */
function rowOf(pair: number, without: Uint32Array): number {
  let [low, high] = [0, without.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (without[middle] - middle <= pair) low = middle + 1;
    else high = middle;
  }
  return pair + low;
}

/** The users or the items that training knows: code and number of training ratings of each row; of row 0, `#na#`, 0 ratings. */
export interface KnownIds {
  codes: Uint32Array;
  counts: Uint32Array;
}

export async function knownIds(db: Database, side: Side): Promise<KnownIds> {
  const from = `SELECT ${side} AS code, count(*)::UINTEGER AS n FROM split WHERE NOT valid GROUP BY ${side}`;
  const [size] = (await db.row(`SELECT count(*) FROM (${from})`)) as [number];
  const [codes, counts] = [new Uint32Array(size + 1), new Uint32Array(size + 1)];
  codes[0] = NO_CODE;
  let at = 1;
  for await (const [someCodes, someCounts] of db.stream(`${from} ORDER BY code`)) {
    codes.set(someCodes, at);
    counts.set(someCounts, at);
    at += someCodes.length;
  }
  return { codes, counts };
}

/** The code of `#na#`, which is no id. */
const NO_CODE = 0xffffffff;

/** Puts a deal into the table `user_rows` or `item_rows`. */
export async function addRows(db: Database, side: Side, { codes, counts }: KnownIds, { block, place }: Deal): Promise<void> {
  const columns = { row: 'UINTEGER', code: 'UINTEGER', block: 'USMALLINT', place: 'UINTEGER', count: 'UINTEGER' } as const;
  const table = await db.table(`${side}_rows`, columns);
  table.append([Uint32Array.from(codes, (_, row) => row), codes, block, place, counts]);
  table.close();
}

/** The table `sorted`: ratings by user block, item block and part, in each in the order of the data, with the places of their rows. */
export async function sortRatings(db: Database, deals: Readonly<Record<Side, Deal>>): Promise<void> {
  const [u, i] = SIDES.map((side) => deals[side]);
  await db.run(
    `CREATE TABLE sorted AS SELECT coalesce(u.block, ${u.block[0]})::USMALLINT AS ub, coalesce(i.block, ${i.block[0]})::USMALLINT AS ib, ` +
      `valid, coalesce(u.place, ${u.place[0]})::UINTEGER AS user, coalesce(i.place, ${i.place[0]})::UINTEGER AS item, rating, s.row, ` +
      'time FROM split s LEFT JOIN user_rows u ON s.user = u.code LEFT JOIN item_rows i ON s.item = i.code ORDER BY ub, ib, valid, s.row',
  );
}
