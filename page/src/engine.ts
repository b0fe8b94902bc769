/** The one place that talks to the engine. */
import {
  CollabData,
  type CollabLearner,
  collabLearner,
  type EpochRecord,
  Gpu,
  type LrFinderResult,
  type PlantedRatings,
  plantedRatings,
  randomSplit,
  type RatingColumns,
  type Validation,
} from 'dotbias';
import type { Knobs } from './knobs.js';
import type { DataSummary, Reference } from './state.js';

let gpu: Gpu | undefined;
let ratings: { columns: RatingColumns; name: string; titles?: ReadonlyMap<number | string, string>; planted?: PlantedRatings } | undefined;
let collab: CollabData | undefined;
let learner: CollabLearner | undefined;

export const isSupported = (): boolean => navigator.gpu !== undefined;

export async function open() {
  const adapter = await navigator.gpu.requestAdapter();
  gpu = await Gpu.open(adapter!);
  return gpu.info;
}

export async function readPlanted(): Promise<void> {
  const planted = plantedRatings();
  ratings = { columns: planted.columns, name: 'A planted set', planted };
}

export async function readFile(file: File): Promise<void> {
  throw new Error(`not yet: ${file.name}`);
}

export async function split({ seed, batch }: Pick<Knobs, 'seed' | 'batch'>): Promise<DataSummary> {
  const { columns, name, titles, planted } = ratings!;
  collab = CollabData.fromArrays(columns, { validPct: 0.1, seed, batchSize: batch, titles, name });
  const references: Reference[] = [];
  if (planted) {
    references.push({
      value: planted.bestMse(randomSplit(columns.ratings.length, 0.1, seed).valid),
      label: 'best possible',
      story: 'No model can do better on these validation ratings, except by chance: their noise is known, since they are made up.',
    });
  }
  return {
    name,
    isPlanted: planted !== undefined,
    users: collab.nUsers - 1,
    items: collab.nItems - 1,
    train: collab.nTrain,
    valid: collab.nValid,
    stepsPerEpoch: collab.stepsPerEpoch,
    hasTitles: titles !== undefined,
    notes: collab.notes,
    references,
  };
}

export async function makeLearner({ factors, wd, range, bias, seed }: Knobs): Promise<void> {
  learner?.release();
  learner = undefined;
  learner = await collabLearner(collab!, { nFactors: factors, wd, yRange: range, bias, seed, gpu: gpu!.device });
}

export async function findRate(): Promise<LrFinderResult> {
  return learner!.lrFind();
}

export type TrainEvent = { type: 'steps'; firstStep: number; losses: ArrayLike<number> } | { type: 'epoch'; record: EpochRecord };

export async function train(epochs: number, lr: number, signal: AbortSignal, on: (event: TrainEvent) => void): Promise<void> {
  let told = 0;
  const { losses } = learner!.history;
  const from = losses.length;
  await learner!.fitOneCycle(epochs, lr, {
    signal,
    onProgress: ({ step }) => {
      on({ type: 'steps', firstStep: told, losses: losses.slice(from + told, from + step) });
      told = step;
    },
    onEpoch: (record) => on({ type: 'epoch', record }),
  });
}

export async function validate(): Promise<Validation> {
  return learner!.validate();
}
