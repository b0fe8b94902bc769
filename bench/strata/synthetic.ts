/**
 * Writes synthetic ratings of any number as Parquet, in files of 5 million, for `dotbias prepare`:
 *
 *     node dist/bench/strata/synthetic.js --ratings 100000000 --users 500000 --items 17800 --out ratings
 *
 * Users and items are long-tailed (rank = n x^2 for uniform x), ratings 1 to 5 in halves. The same seed gives the same ratings. Some pairs
 * come twice, as in logs; `--text` makes the users texts of 22 letters.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';

const FILE = 5_000_000;
const { values } = parseArgs({
  options: {
    ratings: { type: 'string', default: '5000000' },
    users: { type: 'string', default: '200000' },
    items: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '42' },
    text: { type: 'boolean', default: false },
    out: { type: 'string', default: 'ratings' },
  },
});
const [nRatings, nUsers, nItems, seed] = [values.ratings, values.users, values.items, values.seed].map(Number);
if (![nRatings, nUsers, nItems].every((n) => Number.isSafeInteger(n) && n > 0) || !Number.isSafeInteger(seed)) {
  throw new RangeError('ratings, users and items must be whole numbers of at least 1, and seed a whole number.');
}

await mkdir(values.out, { recursive: true });
const instance = await DuckDBInstance.create(':memory:', { memory_limit: '1GB' });
const db = await instance.connect();
const uniform = (stream: number) => `(hash(i * 8 + ${stream} + ${seed} * 8000000000000) / 18446744073709551616.0)`;
const rank = (n: number, stream: number) => `least(floor(${n} * pow(${uniform(stream)}, 2)), ${n - 1})::INTEGER`;
const user = values.text ? `left(md5(${rank(nUsers, 1)}::VARCHAR), 22)` : rank(nUsers, 1);
for (let first = 0, k = 0; first < nRatings; first += FILE, k++) {
  const file = join(values.out, `part-${String(k).padStart(4, '0')}.parquet`).replaceAll("'", "''");
  const select = `${user} AS user_id, ${rank(nItems, 2)} AS item_id, (1 + floor(9 * ${uniform(3)}) / 2)::FLOAT AS rating`;
  await db.run(`COPY (SELECT ${select} FROM range(${first}, ${Math.min(nRatings, first + FILE)}) t(i)) TO '${file}' (FORMAT parquet)`);
}
