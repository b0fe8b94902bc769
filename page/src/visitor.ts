/** The visitor: what they rated, and what the model makes of it. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { Id } from 'dotbias';
import * as engine from './engine.js';
import { sentence } from './format.js';
import { type Brought, ratingsIn } from './knobs.js';
import { answer, data, type Film, films, keyOf, model, nameOf, rated, run } from './state.js';

/** What went wrong with the last answer, as a sentence. */
export const answerProblem = signal('');

/** Whether the model in use has biases. */
export const hasBias = computed(() => run.value?.knobs.bias ?? true);
/** What everybody likes: shown before the first rating. */
export const liked = signal<readonly { item: Id; title?: string | undefined; bias: number }[]>([]);
/** Whether the list is to leave the visitor's taste out. */
export const biasOnly = signal(false);

/** The values that can be given: whole numbers in the range of the ratings, or five places in it if that is wide. */
export const levels = computed<readonly number[]>(() => {
  const [lo, hi] = data.value?.scale ?? [1, 5];
  const [first, last] = [Math.ceil(lo), Math.floor(hi)];
  if (last - first >= 1 && last - first <= 10) return Array.from({ length: last - first + 1 }, (_, k) => first + k);
  return Array.from({ length: 5 }, (_, k) => Number((lo + ((hi - lo) * k) / 4).toPrecision(3)));
});

/** Which ten the visitor is asked about. */
const round = signal(0);
const wantedIds = signal<readonly Id[]>([]);
const wanted = computed(() => wantedIds.value.flatMap((id) => films.value.find(({ item }) => item === id) ?? []));

const SEEN_BY_MANY = 200;
/** Five that most know and five on which people disagree, in turn; others with each round. */
const asked = computed<readonly Film[]>(() => {
  const popular = films.value.slice(0, SEEN_BY_MANY);
  const divisive = popular.slice(0, Math.max(10, SEEN_BY_MANY)).sort((a, b) => b.sd - a.sd);
  const taken = new Set<Film>();
  const chosen: Film[] = [];
  const next = (from: readonly Film[]) => {
    const film = from.find((each) => !taken.has(each));
    if (film === undefined) return;
    taken.add(film);
    chosen.push(film);
  };
  for (let k = 0; k < 5 * (round.value + 1); k++) {
    next(popular);
    next(divisive);
  }
  return chosen.slice(-10);
});

/** The films of the list: those that the visitor looked for, those they rated, and those they are asked about. */
export const offered = computed<readonly Film[]>(() => {
  const own = [...wanted.value, ...films.value.filter(({ item }) => rated.value.has(item))];
  const list = [...wanted.value, ...asked.value.filter((film) => !wanted.value.includes(film))];
  return [...list, ...own.filter((film) => !list.includes(film))];
});

export const others = (): void =>
  void (round.value = (round.value + 1) * 10 < Math.min(SEEN_BY_MANY, films.value.length) ? round.value + 1 : 0);

/** Puts a film that the visitor found at the top of the list. */
export function want(film: Film): void {
  wantedIds.value = [film.item, ...wantedIds.value.filter((item) => item !== film.item)];
}

/** Films whose title has all of these words, the most rated first. */
export function search(text: string, n = 8): Film[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found: Film[] = [];
  for (const film of films.value) {
    const title = nameOf(film).toLowerCase();
    if (words.every((word) => title.includes(word)) && found.push(film) === n) break;
  }
  return found;
}

/** Rates a film, or takes a rating back. */
export function rateFilm(item: Id, rating: number | undefined): void {
  const next = new Map(rated.value);
  if (rating === undefined) next.delete(item);
  else next.set(item, rating);
  rated.value = next;
}

export function forgetAll(): void {
  batch(() => {
    rated.value = new Map();
    wantedIds.value = [];
  });
}

/** The newest question: an answer to an older one that comes late is dropped. */
let newest = 0;

// Asks anew after each rating and each training.
effect(() => {
  const ratings = rated.value;
  const isBiasOnly = biasOnly.value && hasBias.value;
  if (model.value === 0) return;
  const question = ++newest;
  void (async () => {
    try {
      const [everybody, own] = await Promise.all([
        hasBias.peek() ? engine.liked() : [],
        ratings.size > 0 ? engine.answer(ratings, isBiasOnly) : undefined,
      ]);
      if (question !== newest) return;
      batch(() => {
        liked.value = everybody;
        answer.value = own;
        answerProblem.value = '';
      });
    } catch (error) {
      if (question === newest && model.peek() > 0) answerProblem.value = sentence(error);
    }
  })();
});

effect(() => {
  if (films.value.length === 0) liked.value = [];
});

/** Ratings that a link has brought, until the data that they belong to are here. */
export const brought = signal<Brought | undefined>(ratingsIn(location.hash));

// Other data have other films.
effect(() => {
  const known = films.value;
  if (known.length === 0 || data.value === undefined || keyOf(data.value) !== brought.peek()?.of) return;
  const [lo, hi] = data.value.scale;
  const given = new Map(brought.peek()!.ratings.filter(([, rating]) => rating >= lo && rating <= hi));
  batch(() => {
    rated.value = new Map(known.flatMap(({ item }): [Id, number][] => (given.has(String(item)) ? [[item, given.get(String(item))!]] : [])));
    brought.value = undefined;
  });
});
