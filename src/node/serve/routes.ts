import type { GivenRating } from '../../answer/given-ratings.js';
import { show } from '../../base/check.js';
import { isObject } from '../../base/json.js';
import type { Id, IdMap } from '../../data/ids.js';
import { HttpError } from './http-error.js';
import { openApi } from './openapi.js';
import { type Parameter, readParameters, type Route, type Schema } from './route.js';
import type { ServedModel } from './served-model.js';

/** What routes answer from. */
export interface App {
  readonly served: ServedModel;
  /** The text of `/metrics`. */
  metrics(): string;
}

/** The most places of a list, and the most ratings of a new user. */
const MAX_N = 1000;
const MAX_RATINGS = 1000;

const ID: Schema = { type: ['integer', 'string'] };
const n: Parameter = { description: 'Length of the list.', schema: { type: 'integer', minimum: 1, maximum: MAX_N, default: 10 } };
const exclude: Parameter = {
  description: 'Leave out what the user has rated, or nothing.',
  schema: { type: 'string', enum: ['rated', 'none'], default: 'rated' },
};
const unknown: Parameter = {
  description: 'Refuse a rated item that training never saw, or leave it out.',
  schema: { type: 'string', enum: ['error', 'skip'], default: 'error' },
};
const OF_BODY = { n, exclude, unknown };

const place = (score: string): Schema => ({
  type: 'object',
  required: ['item', score],
  properties: { item: ID, title: { type: 'string' }, [score]: { type: 'number' } },
});
const list = (name: string, score: string, ...more: [string, Schema][]): Schema => ({
  type: 'object',
  required: [...more.map(([each]) => each), name],
  properties: { ...Object.fromEntries(more), [name]: { type: 'array', description: 'Best first.', items: place(score) } },
});
const RATINGS: Schema = {
  type: 'array',
  minItems: 1,
  maxItems: MAX_RATINGS,
  items: {
    type: 'object',
    required: ['item', 'rating'],
    properties: { item: ID, rating: { type: 'number' } },
    additionalProperties: false,
  },
};

/** All that can be asked of the server. */
export const ROUTES: readonly Route<App>[] = [
  {
    method: 'GET',
    path: '/users/{id}/recommendations',
    summary: 'The items with the highest predicted ratings for a user whom training saw.',
    query: { n, exclude },
    answer: list('recommendations', 'prediction', ['user', ID]),
    errors: { 404: 'Training saw no such user.' },
    async handle({ served }, { path, query }) {
      const { model, batched } = served.current;
      const user = known(model.info.users, path['id'], 'user');
      const excluded = query['exclude'] as 'rated' | 'none';
      if (excluded === 'rated' && model.info.train === undefined) {
        throw new HttpError(400, "The model does not know what its users rated: ask with exclude=none, or POST the user's ratings.");
      }
      return { user, recommendations: await batched.recommend(user, lengthOf(query, model.info.items), { exclude: excluded }) };
    },
  },
  {
    method: 'POST',
    path: '/recommendations',
    summary: 'The items with the highest predicted ratings for a new user, by some ratings of theirs.',
    body: {
      type: 'object',
      required: ['ratings'],
      properties: {
        ratings: RATINGS,
        ...Object.fromEntries(Object.entries(OF_BODY).map(([name, { description, schema }]) => [name, { description, ...schema }])),
      },
      additionalProperties: false,
    },
    answer: list('recommendations', 'prediction', ['nRatings', { type: 'integer', description: 'Ratings given.' }]),
    errors: { 413: 'The body is too large.', 415: 'The body is no application/json.' },
    async handle({ served }, { body }) {
      if (!isObject(body)) throw new HttpError(400, 'The body must be an object with the field ratings.');
      const { ratings: given, ...rest } = body;
      const asked = readParameters(OF_BODY, new Map(Object.entries(rest)), 'body, besides ratings,');
      const ratings = readRatings(given);
      const { model, batched } = served.current;
      const recommendations = await batched.recommendFor(ratings, lengthOf(asked, model.info.items), {
        exclude: asked['exclude'] as 'rated' | 'none',
        unknown: asked['unknown'] as 'error' | 'skip',
      });
      return { nRatings: ratings.length, recommendations };
    },
  },
  {
    method: 'GET',
    path: '/items/{id}/similar',
    summary: 'The items whose vectors are most similar to that of an item, by the cosine between them.',
    query: { n },
    answer: list('similar', 'similarity', ['item', ID]),
    errors: { 404: 'Training saw no such item.' },
    async handle({ served }, { path, query }) {
      const { model, batched } = served.current;
      const item = known(model.info.items, path['id'], 'item');
      return { item, similar: await batched.similarItems(item, lengthOf(query, model.info.items)) };
    },
  },
  {
    method: 'GET',
    path: '/health',
    summary: 'Whether requests are answered, on which device and from which model; 503 where they are not.',
    answer: { type: 'object', required: ['status'], properties: { status: { enum: ['ok', 'reopening', 'draining'] } } },
    handle: ({ served }) => served.health(),
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Counts and times of requests, for Prometheus.',
    handle: ({ metrics }) => metrics(),
  },
  {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description.',
    answer: { type: 'object' },
    handle: () => openApi(ROUTES),
  },
];

/** The id as the model has it. @throws HttpError 404 */
function known(ids: IdMap, text: string, what: string): Id {
  const row = ids.indexOf(text);
  if (row === 0) throw new HttpError(404, `Training saw no ${what} ${show(text.length > 60 ? `${text.slice(0, 60)}...` : text)}.`);
  return ids.idOf(row);
}

/** As many places as asked for, but no more than there are items. */
const lengthOf = (asked: Readonly<Record<string, string | number>>, items: IdMap) =>
  Math.max(1, Math.min(asked['n'] as number, items.size - 1));

function readRatings(given: unknown): GivenRating[] {
  if (!Array.isArray(given)) throw new HttpError(400, 'ratings must be a list of objects { item, rating }.');
  if (given.length > MAX_RATINGS) throw new HttpError(400, `There are ${given.length} ratings; at most ${MAX_RATINGS} may be given.`);
  return given.map((each: unknown, k) => {
    const isPair = isObject(each) && Object.keys(each).every((name) => name === 'item' || name === 'rating');
    if (!isPair || !['string', 'number'].includes(typeof each['item'])) {
      throw new HttpError(400, `ratings[${k}] must be an object { item, rating } with an id and a number.`);
    }
    return [each['item'] as Id, each['rating'] as number];
  });
}
