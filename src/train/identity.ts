/** What a run is: all that decides its steps, so that a checkpoint is resumed by the run that made it and by no other. */
import { FileFormatError } from '../base/errors.js';
import { fingerprint, fingerprintText } from '../base/fingerprint.js';
import type { CollabData } from '../data/collab-data.js';
import type { IdMap } from '../data/ids.js';
import { type Callback, type Fit, type FittedLearner } from './fit.js';

/** Settings by name, in JSON's terms. */
export type Settings = Readonly<Record<string, unknown>>;

/** The callbacks that decide the result or have a state to keep. */
export const namedOf = (callbacks: readonly Callback[]) => callbacks.filter(({ name }) => name !== undefined);

/** All that decides a learner's steps, in JSON's terms. An op is known by its name, its constants and its WGSL. */
export function configOf({
  data,
  info,
  embeddings,
  defaults,
  seed,
  trainer: { options, epochs, stepper, maxSteps },
}: FittedLearner): Settings {
  const { batchSize, score, range, loss, optimizer, wd, wdBias } = options;
  const { nUsers, nItems, nFactors, hasBias } = embeddings.shape;
  const ops = Object.entries({ score, range, loss, optimizer });
  return {
    nRatings: data.nTrain,
    nValid: data.nValid,
    nUsers,
    nItems,
    ratings: dataFingerprint(data),
    nFactors,
    hasBias,
    batchSize,
    ...Object.fromEntries(ops.map(([kind, op]) => [kind, op.name])),
    ...Object.fromEntries(ops.map(([kind, op]) => [`${kind}Constants`, op.uniforms ?? {}])),
    ...Object.fromEntries(ops.map(([kind, op]) => [`${kind}Wgsl`, fingerprintText(op.wgsl)])),
    wd,
    wdBias,
    defaults,
    seed,
    ...epochs.settings,
    // Decides validation errors, and so what is best and when to stop.
    unknownUser: info.unknownUser,
    stepper: stepper.name,
    batches: stepper.batches ?? 'host',
    stepsPerSubmission: maxSteps,
    stepperSource: stepper.source,
  };
}

/** All that decides a fit: its schedule, its callbacks, and where and in which order it began. */
export function planOf(fit: Fit): Settings {
  let known = plans.get(fit);
  if (known === undefined) {
    const { learner, plan, schedule, callbacks } = fit;
    known = {
      ...plan,
      callbacks: namedOf(callbacks).map(({ name }) => name),
      // In float32, in which all JavaScript engines agree; `mathFingerprint` has the rest.
      schedule: fingerprint(Float32Array.from(schedule.lr), Float32Array.from(schedule.beta1)),
      order: learner.trainer.epochs.orderPrint ?? fingerprint(learner.trainer.order(plan['firstEpoch'] as number)),
    };
    plans.set(fit, known);
  }
  return known;
}

/** Nothing of a plan changes in the course of a fit. */
const plans = new WeakMap<Fit, Settings>();

const WORDS: Record<string, string> = {
  nRatings: 'number of training ratings',
  nValid: 'number of validation ratings',
  nUsers: 'number of users',
  nItems: 'number of items',
  ratings: 'fingerprint of the ratings',
  scoreWgsl: 'fingerprint of the score op',
  rangeWgsl: 'fingerprint of the range op',
  lossWgsl: 'fingerprint of the loss op',
  optimizerWgsl: 'fingerprint of the optimiser',
  strata: 'number of strata',
  passes: 'number of passes',
  unknownUser: 'prediction of unknown users',
  batches: 'place where batches are made',
  stepsPerSubmission: 'number of steps per submission',
  stepperSource: 'fingerprint of the kernels that make steps',
  epochs: 'number of epochs',
  schedule: 'fingerprint of the schedule',
  order: 'fingerprint of the order of the ratings',
  firstStep: 'number of steps made before the fit',
  firstEpoch: 'number of epochs made before the fit',
};

/** A setting that is another than it was, in words. */
export interface Difference {
  name: string;
  /** What the setting is called in a sentence. */
  words: string;
  before: string;
  now: string;
}

/** The settings in which two runs differ. */
export function differences(then: Settings, now: Settings): Difference[] {
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])];
  // What the schedule was made from says more than its fingerprint.
  return names
    .sort((a, b) => Number(a === 'schedule') - Number(b === 'schedule'))
    .flatMap((name) => {
      const [a, b] = [then, now].map((settings) => (settings[name] === undefined ? 'the default' : JSON.stringify(settings[name])));
      return a === b ? [] : [{ name, words: WORDS[name] ?? name, before: a, now: b }];
    });
}

/** @throws FileFormatError that names the first difference */
export function refuseDifferent(then: Settings, now: Settings): void {
  const [first] = differences(then, now);
  if (first === undefined) return;
  throw new FileFormatError(
    `The checkpoint is of another run: its ${first.words} is ${first.before}, here it is ${first.now}. ` +
      'Resume with what it was made with, or start anew in another folder.',
  );
}

const fingerprints = new WeakMap<CollabData, string>();

/** Of the ratings as training sees them and of the ids that their rows stand for. */
export function dataFingerprint(data: CollabData): string {
  let known = data.fingerprint ?? fingerprints.get(data);
  if (known === undefined) {
    const { users, items, train, valid } = data;
    const ids = [...idPieces(users), ...idPieces(items)];
    known = fingerprint(...ids, ...[train, valid].flatMap((part) => [part.users, part.items, part.ratings]));
    fingerprints.set(data, known);
  }
  return known;
}

/** The bytes of all ids, in pieces: one text of many million ids would be longer than a text can be. */
function* idPieces(map: IdMap): Generator<Uint8Array | Float64Array> {
  const piece = 2 ** 16;
  for (let first = 1; first < map.size; first += piece) {
    const ids = Array.from({ length: Math.min(piece, map.size - first) }, (_, k) => map.idOf(first + k));
    if (typeof ids[0] === 'number') yield Float64Array.from(ids as number[]);
    else yield new TextEncoder().encode(JSON.stringify(ids));
  }
}
