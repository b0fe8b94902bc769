/** The one place that talks to the engine. What it makes stays here; sections get plain data. */
import {
  CollabData,
  type CollabLearner,
  collabLearner,
  encodeModel,
  type Gpu,
  type Id,
  itemMap,
  type ItemMap,
  type LrFinderResult,
  openGpu,
  parseRatings,
  type PlantedRatings,
  plantedRatings,
  project,
  randomSplit,
  type RatingsFile,
  type ShownResult,
  type SimilarItem,
  type TrainEvent,
  type Validation,
} from 'dotbias';
import type { Knobs } from './knobs.js';
import type { Answer, DataSummary, Film, Reference } from './state.js';

let gpu: Gpu | undefined;
let ratings: RatingsFile | undefined;
let planted: PlantedRatings | undefined;
let collab: CollabData | undefined;
let learner: CollabLearner | undefined;

export const isSupported = (): boolean => navigator.gpu !== undefined;

/** Opens the device; a second time, another. */
export async function open() {
  learner = undefined;
  gpu?.destroy();
  gpu = await openGpu();
  return gpu.info;
}

/** Makes the ratings that the page begins with. */
export async function readPlanted(): Promise<void> {
  planted = plantedRatings();
  ratings = { columns: planted.columns, name: 'A planted set', skipped: 0, skippedExamples: [], notes: [] };
}

/** Reads ratings of the visitor's. What was read before stays if that fails. */
export async function readFile(file: File, signal: AbortSignal): Promise<void> {
  ratings = await parseRatings(file, { signal });
  planted = undefined;
}

/** Share of the ratings that is held out for validation. */
const VALID_PCT = 0.1;

/** Splits the ratings by a seed, and says what they are. */
export async function split({ seed, batch }: Pick<Knobs, 'seed' | 'batch'>): Promise<DataSummary> {
  const { columns, name, titles, notes, skipped } = ratings!;
  collab = CollabData.fromArrays(columns, { validPct: VALID_PCT, seed, batchSize: batch, titles, name });
  const { nUsers, nItems, nTrain, nValid, stepsPerEpoch } = collab;
  const nRatings = nTrain + nValid;
  const references: Reference[] = [];
  if (planted) {
    references.push({
      value: await planted.bestMse(randomSplit(nRatings, VALID_PCT, seed).valid),
      label: 'best possible',
      story: 'nobody can predict these validation ratings better, except by luck. They are made up, so their noise is known.',
    });
  } else if (nRatings === 100_000 && nUsers === 944 && /ml-100k|u\.data/i.test(name)) {
    references.push({
      value: 0.818,
      sd: 0.011,
      label: '100 random splits',
      story: 'mean and standard deviation of the tutorial’s recipe over 100 random 90/10 splits of MovieLens-100K (0.8180 ± 0.0110).',
    });
  }
  return {
    name,
    isPlanted: planted !== undefined,
    users: nUsers - 1,
    items: nItems - 1,
    train: nTrain,
    valid: nValid,
    stepsPerEpoch,
    hasTitles: titles !== undefined,
    notes: [...(skipped > 0 ? [`${skipped} rows could not be read and are left out.`] : []), ...notes, ...collab.notes],
    references,
  };
}

const optionsOf = ({ factors, wd, range, bias, seed }: Knobs) => ({ nFactors: factors, wd, yRange: range, bias, seed, gpu });

/** Makes the learner that all that follows is asked of, and lets go of the one before. */
export async function makeLearner(knobs: Knobs): Promise<void> {
  learner?.release();
  learner = undefined;
  learner = await collabLearner(collab!, optionsOf(knobs));
}

export async function findRate(signal: AbortSignal): Promise<LrFinderResult> {
  return learner!.lrFind({ signal });
}

/** Trains; the stream ends early, without an error, if the signal is aborted. */
export function train({ epochs, lr }: Knobs, signal: AbortSignal): AsyncIterable<TrainEvent> {
  return learner!.stream(epochs, lr, { signal });
}

export async function validate(): Promise<Validation> {
  return learner!.validate();
}

/** All items, the most rated first. */
export async function films(): Promise<Film[]> {
  const { train, items, nItems } = collab!;
  const [n, sum, squares] = [0, 1, 2].map(() => new Float64Array(nItems));
  train.items.forEach((row, k) => {
    n[row]++;
    sum[row] += train.ratings[k];
    squares[row] += train.ratings[k] ** 2;
  });
  return Array.from({ length: nItems - 1 }, (_, k) => {
    const mean = sum[k + 1] / n[k + 1];
    const item = items.idOf(k + 1);
    return { item, title: collab!.titleOf(item), count: n[k + 1], mean, sd: Math.sqrt(Math.max(0, squares[k + 1] / n[k + 1] - mean ** 2)) };
  }).sort((x, y) => y.count - x.count);
}

/** Folds a visitor in, and recommends: no training, a few milliseconds. */
export async function answer(rated: ReadonlyMap<Id, number>, n = 10): Promise<Answer> {
  const start = performance.now();
  const user = await learner!.foldIn(Array.from(rated, ([item, rating]): [Id, number] => [item, rating]));
  const list = await user.recommend(n);
  const ms = performance.now() - start;
  const reasons = await Promise.all(list.map(({ item }) => user.because(item, 2)));
  return { factors: user.factors, ms, list: list.map((each, k) => ({ ...each, because: reasons[k] })) };
}

/** What everybody likes: the items with the highest bias, those of few ratings and those in `except` left out. */
export async function liked(except: ReadonlySet<Id>, n = 10) {
  return (await learner!.itemBias()).filter(({ item }) => !except.has(item)).slice(0, n);
}

export async function map(count: number): Promise<ItemMap> {
  return itemMap(learner!, count);
}

export const place = (on: ItemMap, factors: ArrayLike<number>) => project(on, factors) as [number, number];

export async function similar(item: Id, n = 8): Promise<SimilarItem[]> {
  return learner!.similarItems(item, n);
}

/** Validation ratings beside their predictions. */
export async function results(n: number): Promise<ShownResult[]> {
  return learner!.showResults(n);
}

/** Trains another model, from another seed, and tells its validation error; the learner of the page is left alone. */
export async function tryLearner(knobs: Knobs, signal: AbortSignal): Promise<Validation> {
  const { columns, titles, name } = ratings!;
  const other = CollabData.fromArrays(columns, { validPct: VALID_PCT, seed: knobs.seed, batchSize: knobs.batch, titles, name });
  const learn = await collabLearner(other, optionsOf(knobs));
  try {
    await learn.fitOneCycle(knobs.epochs, knobs.lr, { signal });
    signal.throwIfAborted();
    return await learn.validate();
  } finally {
    learn.release();
  }
}

/** The model as a safetensors file. */
export async function encode(): Promise<Uint8Array<ArrayBuffer>> {
  return (await encodeModel(learner!)) as Uint8Array<ArrayBuffer>;
}

export async function vectors(items: readonly Id[]): Promise<Float32Array[]> {
  return learner!.vectors(items);
}
