/** Ratings of files of any kind in a table of a database, in the memory of one piece. */
import { DataError } from '../../base/errors.js';
import type { Id } from '../../data/ids.js';
import type { RatingPiece } from '../../read/rating-rows.js';
import type { PiecesRead } from '../../read/ratings-file.js';
import type { Database, TableWriter, Values } from './duckdb.js';
import { MAX_RATINGS } from './manifest.js';
import { readRatingPieces, type ReadRatingsOptions } from './ratings-file.js';

/** Ids of a piece are numbers or texts; each of the four cases has a table of its own. */
const KINDS = ['number', 'text'] as const;
const TYPES = { number: 'DOUBLE', text: 'VARCHAR' } as const;

/** What was staged. */
export interface Staged extends PiecesRead {
  /** Number of ratings. */
  nRows: number;
}

/**
 * Reads ratings by the rules of `readRatings` into the view `staged`: "row" from 0 in the order of the data, "user" and "item", each
 * BIGINT or VARCHAR, "rating" FLOAT and "time" DOUBLE, 0 without times.
 *
 * @param onRows called with the number of ratings so far
 * @throws DataError as `readRatings`; as `Database.run`
 */
export async function stageRatings(
  db: Database,
  sources: readonly string[],
  options: ReadRatingsOptions,
  onRows: (nRows: number) => void = () => {},
): Promise<Staged> {
  const tables = new Map<string, TableWriter>();
  for (const user of KINDS) {
    for (const item of KINDS) {
      const columns = { row: 'UINTEGER', user: TYPES[user], item: TYPES[item], rating: 'FLOAT', time: 'DOUBLE' } as const;
      tables.set(tableOf(user, item), await db.table(tableOf(user, item), columns));
    }
  }
  let nRows = 0;
  const take = ({ users, items, ratings, timestamps }: RatingPiece) => {
    const n = ratings.length;
    if (nRows + n > MAX_RATINGS) throw new DataError(`There are more than ${MAX_RATINGS} ratings, the most that can be split.`);
    const times = timestamps === undefined ? new Float64Array(n) : (timestamps as Float64Array);
    const rows = Uint32Array.from(ratings, (_, k) => nRows + k);
    tables.get(tableOf(kindOf(users), kindOf(items)))!.append([rows, users as Values, items as Values, ratings, times]);
    onRows((nRows += n));
  };
  const close = () => tables.forEach((table) => table.close());
  const dropNegative = async (isText: PiecesRead['isText']) => {
    close();
    await db.run(
      `CREATE TABLE staged AS SELECT row_number() OVER (ORDER BY row) - 1 AS row, * EXCLUDE row FROM (${selectAll(isText, true)})`,
    );
    [nRows] = (await db.row('SELECT count(*) FROM staged')) as [number];
    return nRows;
  };
  const read = await readRatingPieces(sources, options, { take, dropNegative });
  close();
  await db.run(`CREATE VIEW IF NOT EXISTS staged AS ${selectAll(read.isText)}`);
  return { ...read, nRows };
}

/** The rows of all tables; a side that is text in one of them is text in all. */
function selectAll(isText: PiecesRead['isText'], withoutNegative = false): string {
  const sides = ['user', 'item'] as const;
  const selects = KINDS.flatMap((user) =>
    KINDS.map((item) => {
      const ids = sides.map((side, k) => {
        if ([user, item][k] === 'text') return side;
        return isText[`${side}s`] ? `${side}::BIGINT::VARCHAR AS ${side}` : `${side}::BIGINT AS ${side}`;
      });
      return { isEmpty: sides.some((side, k) => [user, item][k] === 'text' && !isText[`${side}s`]), ids, from: tableOf(user, item) };
    }),
  );
  const conditions = withoutNegative ? sides.filter((side) => !isText[`${side}s`]).map((side) => `${side} >= 0`) : [];
  const all = selects.filter(({ isEmpty }) => !isEmpty).map(({ ids, from }) => `SELECT row, ${ids.join(', ')}, rating, time FROM ${from}`);
  return `SELECT * FROM (${all.join(' UNION ALL ')})${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''}`;
}

const tableOf = (user: (typeof KINDS)[number], item: (typeof KINDS)[number]) => `staged_${user}_${item}`;

const kindOf = (ids: ArrayLike<Id>) => (ArrayBuffer.isView(ids) ? 'number' : 'text');
