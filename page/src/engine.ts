/**
 * The one place that talks to the engine, which runs in a worker. What it makes stays here and there; sections get plain data.
 */
import {
  connectWorker,
  type DeviceInfo,
  type Engine,
  type Id,
  type ItemMap,
  type LrFinderResult,
  project,
  randomSplit,
  type RemoteData,
  type RemoteGpu,
  type RemoteLearner,
  type RemotePlantedRatings,
  type RemoteRatings,
  type RemoteUserFolder,
  type ShownResult,
  type SimilarItem,
  type TrainEvent,
  type Validation,
} from 'dotbias';
import type { Knobs } from './knobs.js';
import type { Answer, DataSummary, Film, Reference } from './state.js';

/** Where ratings come from: a file of the visitor's, or the planted set. */
export type Source = File | 'planted';

let engine: Engine | undefined;
let gpu: RemoteGpu | undefined;
let source: Source | undefined;
let planted: RemotePlantedRatings | undefined;
let ratings: RemoteRatings | undefined;
let data: RemoteData | undefined;
let learner: RemoteLearner | undefined;
let folder: Promise<RemoteUserFolder> | undefined;

export const isSupported = (): boolean => navigator.gpu !== undefined;

/**
 * Starts the worker and opens the device in it; a second time, another worker and device. Ratings have to be read again then.
 * @param onLost told if the device is lost later
 */
export async function open(onLost: (message: string) => void): Promise<DeviceInfo> {
  engine?.terminate();
  gpu = data = learner = folder = planted = ratings = undefined;
  const mine = connectWorker(new Worker(new URL('dotbias/worker', import.meta.url), { type: 'module' }));
  engine = mine;
  gpu = await mine.openGpu();
  void gpu.lost().then(
    ({ message }) => mine === engine && onLost(message),
    () => undefined, // the worker has been ended
  );
  return gpu.info;
}

/** Reads ratings. What was read before stays if that fails. */
export async function read(from: Source, signal: AbortSignal): Promise<void> {
  const before = ratings;
  if (from === 'planted') {
    ratings = planted = await engine!.plantedRatings();
  } else {
    ratings = await engine!.parseRatings(from, { signal });
    planted = undefined;
  }
  void before?.release();
  source = from;
}

/** Reads the same ratings again, after `open`. */
export const readAgain = (signal: AbortSignal): Promise<void> => read(source ?? 'planted', signal);

/** Share of the ratings that is held out for validation. */
const VALID_PCT = 0.1;

/** The usual batch, which the engine makes smaller by itself where there are fewer ratings. */
const USUAL_BATCH = 64;

const makeData = ({ seed, batch }: Pick<Knobs, 'seed' | 'batch'>): Promise<RemoteData> =>
  engine!.makeData(ratings!, { validPct: VALID_PCT, seed, batchSize: batch === USUAL_BATCH ? undefined : batch });

/** Splits the ratings by a seed, and says what they are. */
export async function split(knobs: Pick<Knobs, 'seed' | 'batch'>): Promise<DataSummary> {
  const made = await makeData(knobs);
  void data?.release();
  data = made;
  const { name, notes, skipped, nRatings } = ratings!;
  const { nUsers, nItems, nTrain, nValid, stepsPerEpoch } = made;
  const references: Reference[] = [];
  if (planted) {
    references.push({
      value: await planted.bestMse(randomSplit(nRatings, VALID_PCT, knobs.seed).valid),
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
    name: planted ? 'Made up for this page' : name,
    isPlanted: planted !== undefined,
    users: nUsers - 1,
    items: nItems - 1,
    train: nTrain,
    valid: nValid,
    stepsPerEpoch,
    scale: await ratings!.extremes(),
    notes: [...(skipped > 0 ? [`${skipped} rows could not be read and are left out.`] : []), ...notes, ...made.notes],
    references,
  };
}

const makeLearner = (on: RemoteData, { factors, wd, range, bias, seed }: Knobs): Promise<RemoteLearner> =>
  engine!.collabLearner(on, { nFactors: factors, wd, yRange: range, bias, seed, gpu });

/** Makes the learner that all that follows is asked of, and lets go of the one before. */
export async function prepare(knobs: Knobs): Promise<void> {
  const before = learner;
  learner = folder = undefined;
  await before?.release();
  learner = await makeLearner(data!, knobs);
}

/** Looks for a rate before the first training. @throws the signal's reason if it is aborted */
export const findRate = (signal: AbortSignal): Promise<LrFinderResult> => learner!.lrFind({ signal });

/** Trains; the stream ends early, without an error, if the signal is aborted. */
export const stream = ({ epochs, lr }: Knobs, signal: AbortSignal): AsyncIterable<TrainEvent> => learner!.stream(epochs, lr, { signal });

export const validate = (): Promise<Validation> => learner!.validate();

/** All items, the most rated first. */
export const films = (): Promise<Film[]> => data!.popularItems(data!.nItems);

/** Compiles and reads ahead what the first answer to a visitor would wait for. */
export async function warmUp(): Promise<void> {
  folder ??= learner!.folder();
  await Promise.all([folder, learner!.warmUp()]);
}

/**
 * Folds a visitor in, and recommends: no training, a few milliseconds.
 * @param biasOnly leaves their taste out of the list, which then has no reasons
 */
export async function answer(rated: ReadonlyMap<Id, number>, biasOnly: boolean, n = 10): Promise<Answer> {
  const start = performance.now();
  folder ??= learner!.folder();
  const user = await (await folder).fold(Array.from(rated, ([item, rating]): [Id, number] => [item, rating]));
  try {
    const list = await user.recommend(n, { biasOnly });
    const ms = performance.now() - start;
    const reasons = biasOnly ? [] : await Promise.all(list.map(({ item }) => user.because(item, 2)));
    return {
      factors: user.factors,
      biasOnly,
      nRatings: rated.size,
      ms,
      list: list.map((each, k) => ({ ...each, because: reasons[k] ?? [] })),
    };
  } finally {
    void user.release();
  }
}

/** What everybody likes: the items with the highest bias. */
export const liked = async (n = 10) => (await learner!.itemBias()).slice(0, n);

/** The `count` most rated items on the first two principal components. */
export const map = (count: number) => learner!.itemMap(count);

/** Where a vector lies on the map. */
export const placeOn = (on: Pick<ItemMap, 'mean' | 'directions'>, factors: ArrayLike<number>) => project(on, factors) as [number, number];

export const similar = (item: Id, n = 8): Promise<SimilarItem[]> => learner!.similarItems(item, n);

/** Validation ratings beside their predictions, `n` at most. */
export const results = (n: number): Promise<ShownResult[]> => learner!.showResults(n);

/** Trains another model on another split, and tells its validation errors. @throws the signal's reason if it is aborted */
export const tryLearner = (knobs: Knobs, signal: AbortSignal): Promise<Validation> =>
  withOther(knobs, async (other) => {
    await other.fitOneCycle(knobs.epochs, knobs.lr, { signal });
    signal.throwIfAborted();
    return other.validate();
  });

/** Looks for a rate for other settings. @throws the signal's reason if it is aborted */
export const findRateFor = (knobs: Knobs, signal: AbortSignal): Promise<LrFinderResult> =>
  withOther(knobs, (other) => other.lrFind({ signal }));

/** Works with another learner on another split; the learner of the page, and so what it has learned, is left alone. */
async function withOther<T>(knobs: Knobs, work: (other: RemoteLearner) => Promise<T>): Promise<T> {
  const otherData = await makeData(knobs);
  try {
    const other = await makeLearner(otherData, knobs);
    try {
      return await work(other);
    } finally {
      await other.release();
    }
  } finally {
    await otherData.release();
  }
}

/** The model as the bytes of a safetensors file. */
export const encode = () => learner!.encodeModel();

export const vectors = (items: readonly Id[]): Promise<Float32Array[]> => learner!.vectors(items);
