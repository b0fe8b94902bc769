/**
 * Writes a model file of any size, whose vectors are random and whose users have rated a few items each:
 *
 *     node dist/bench/lists/synthetic-model.js model.safetensors 200000 50000 40 20
 *     /usr/bin/time -v node dist/src/cli/main.js recommend --model model.safetensors --all --out recs.parquet
 */
import { sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { fillInitial, hash32 } from '../../src/base/random.js';
import { IdMap } from '../../src/data/ids.js';
import { writeModel } from '../../src/files/model-file.js';
import { writeFileAtomic } from '../../src/node/disk/files.js';

const [path = 'model.safetensors', ...sizes] = process.argv.slice(2);
const [users, items, nFactors, nRated] = [200_000, 50_000, 40, 20].map((usual, k) => Number(sizes[k] ?? usual));

/** Normal numbers of some deviation: the starting values have 0.01. */
function table(id: number, nRows: number, nColumns: number, deviation: number): Float32Array {
  const values = new Float32Array(nRows * nColumns);
  fillInitial(values, 1, id, nRows, nColumns);
  return values.map((x) => 100 * deviation * x);
}

const shape = { nUsers: users + 1, nItems: items + 1, nFactors, hasBias: true };
const numbers = (n: number) => new IdMap(Float64Array.from({ length: n }, (_, k) => k + 1));
const train = {
  users: Uint32Array.from({ length: users * nRated }, (_, k) => 1 + Math.floor(k / nRated)),
  items: Uint32Array.from({ length: users * nRated }, (_, k) => 1 + (hash32(1, k, 0, 0) % items)),
  ratings: new Float32Array(users * nRated).fill(3),
};
const tables = {
  userFactors: table(0, shape.nUsers, nFactors, 0.2),
  itemFactors: table(1, shape.nItems, nFactors, 0.2),
  userBias: table(2, shape.nUsers, 1, 0.3),
  itemBias: table(3, shape.nItems, 1, 0.3),
};
const ops = { score: dotProduct, range: sigmoidRange([0, 5.5]) };
await writeFileAtomic(path, writeModel({ shape, tables, users: numbers(users), items: numbers(items), ...ops, train, training: {} }));
console.log(`${path}: ${users} users, ${items} items, ${nFactors} factors, ${train.ratings.length} ratings`);
