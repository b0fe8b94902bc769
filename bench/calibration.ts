/** How often the sd of folded-in users holds, on MovieLens-100K: `node dist/bench/calibration.js`. docs/confidence.md has the result. */
import { CollabData, collabLearner, hash32, type GivenRating, type Id } from '../src/index.js';
import { openGpu, openRatings } from '../src/node.js';

const FOLDS = 5;
const GIVEN = [1, 5, 20, 50];
/** Fewer training ratings than this make an item a rare one. */
const RARE = 10;

interface Rated {
  item: Id;
  rating: number;
  key: number;
}

/** Held-out ratings by how many sd they lie from their prediction. */
class Tally {
  n = 0;
  private one = 0;
  private two = 0;
  private squares = 0;
  private variance = 0;

  add(error: number, sd: number): void {
    this.n++;
    if (Math.abs(error) <= sd) this.one++;
    if (Math.abs(error) <= 2 * sd) this.two++;
    this.squares += error ** 2;
    this.variance += sd ** 2;
  }

  toString(): string {
    const share = (count: number) => `${((100 * count) / this.n).toFixed(1)} %`.padStart(7);
    const rms = (sum: number) => Math.sqrt(sum / this.n).toFixed(3);
    return `${String(this.n).padStart(7)}  ${share(this.one)}  ${share(this.two)}  ${rms(this.variance)}  ${rms(this.squares)}`;
  }
}

const { columns, titles, source } = await openRatings({ offline: true });
const { gpu } = await openGpu();
console.log(`${source} ${FOLDS} folds by user, 40 factors, five epochs; ${gpu.info.description}`);
const tallies = new Map<string, Tally>();
const tally = (name: string) => tallies.get(name) ?? tallies.set(name, new Tally()).get(name)!;

for (let fold = 0; fold < FOLDS; fold++) {
  const isNew = Array.from(columns.users, (user) => hash32(11, Number(user), 0, 0) % FOLDS === fold);
  const of = <T>(values: ArrayLike<T>, wanted: boolean) => Array.from(values).filter((_, k) => isNew[k] === wanted);
  const [users, items, ratings] = [of<Id>(columns.users, false), of<Id>(columns.items, false), of<number>(columns.ratings, false)];
  const data = CollabData.fromArrays({ users, items, ratings }, { validPct: 0.1, seed: fold, titles });
  await using learn = await collabLearner(data, { nFactors: 40, yRange: [0, 5.5], wd: 0.1, gpu, seed: fold });
  await learn.fitOneCycle(5, 0.01);
  console.log(`fold ${fold}: residual variance ${(await learn.residualVariance())!.toFixed(4)}`);
  const counts = new Map<Id, number>();
  for (const row of data.train.items) counts.set(data.items.idOf(row), (counts.get(data.items.idOf(row)) ?? 0) + 1);

  const byUser = new Map<Id, Rated[]>();
  Array.from(columns.users, (user, k) => {
    const item = columns.items[k];
    if (!isNew[k] || !data.items.has(item)) return;
    const rated = byUser.get(user) ?? byUser.set(user, []).get(user)!;
    rated.push({ item, rating: columns.ratings[k], key: hash32(99, Number(user), Number(item), 0) });
  });
  const folder = await learn.folder();
  for (const list of byUser.values()) {
    list.sort((a, b) => a.key - b.key);
    for (const nGiven of GIVEN) {
      const held = list.slice(nGiven);
      if (held.length === 0) continue;
      const user = await folder.fold(list.slice(0, nGiven).map(({ item, rating }): GivenRating => [item, rating]));
      const { predictions, sd } = await user.predict(
        held.map(({ item }) => item),
        { sd: true },
      );
      held.forEach(({ item, rating }, k) => {
        tally(`${nGiven} given`).add(rating - predictions[k], sd[k]);
        if ((counts.get(item) ?? 0) < RARE)
          tally(`${nGiven} given, items with fewer than ${RARE} ratings`).add(rating - predictions[k], sd[k]);
      });
    }
  }
}
console.log(`${'ratings'.padStart(50)}  within 1  within 2 sd  rms sd  RMSE`);
for (const [name, each] of tallies) console.log(`${name.padEnd(43)}${String(each)}`);
