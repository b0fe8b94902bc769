/** Predictions for test users whom training does not know, and who are folded in. */
import { readPrior } from '../answer/prior.js';
import { foldInAll } from '../answer/fold-in-all.js';
import type { GivenRating } from '../answer/given-ratings.js';
import { type TrainedModel, unknownUserOf } from '../answer/trained-model.js';
import type { RatingColumns } from '../data/collab-data.js';
import type { Id } from '../data/ids.js';

/**
 * Folds users in from the ratings `given`, and predicts their `test` ratings, [test.ratings.length]. A user who gave no
 * rating of an item that training knows is an unknown one, see `UnknownUser`.
 */
export async function predictFoldedUsers(
  model: TrainedModel,
  { given, test }: { given: RatingColumns; test: RatingColumns },
): Promise<Float32Array> {
  const { embeddings, info } = model;
  const { items, score, range } = info;
  const { nFactors, nUsers } = embeddings.shape;
  const users = new Map<Id, { place: number; ratings: GivenRating[] }>();
  for (let k = 0; k < given.ratings.length; k++) {
    if (!items.has(given.items[k])) continue;
    const user = users.get(given.users[k]) ?? { place: users.size, ratings: [] };
    users.set(given.users[k], user);
    user.ratings.push([given.items[k], given.ratings[k]]);
  }
  const folded = await foldInAll(
    model,
    [...users.values()].map(({ ratings }) => ratings),
  );
  const { userFactors, userBias, itemFactors, itemBias } = await embeddings.readTables();
  const vector = (factors: Float32Array, row: number) => factors.subarray(row * nFactors, (row + 1) * nFactors);
  const mean = unknownUserOf(model) === 'na' || nUsers === 1 ? undefined : (await readPrior(embeddings)).mean;
  const unknown = mean ? ([mean.subarray(0, nFactors), mean[nFactors] ?? 0] as const) : ([vector(userFactors, 0), userBias[0]] as const);
  return Float32Array.from(test.ratings, (_, k) => {
    const place = users.get(test.users[k])?.place;
    const [user, bias] = place === undefined ? unknown : [vector(folded.factors, place), folded.biases[place]];
    const item = items.indexOf(test.items[k]);
    return range.value(score.value(user, vector(itemFactors, item)) + bias + itemBias[item]);
  });
}
