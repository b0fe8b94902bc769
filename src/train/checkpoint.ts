/**
 * A fit between two epochs, as bytes: a safetensors file with the parameters, the optimiser's state and the history of the
 * losses, and in its metadata what else decides how the fit goes on. The schedule is a table made whole from its options
 * and submissions end with the epoch, so a fit resumed from here takes the very steps that it would have taken.
 */
import { DotbiasError, FileFormatError } from '../base/errors.js';
import { fingerprint, fingerprintText } from '../base/fingerprint.js';
import { mathFingerprint } from '../base/math-fingerprint.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../base/safetensors.js';
import { VERSION } from '../base/version.js';
import type { CollabData } from '../data/collab-data.js';
import type { ModelState } from '../model/tables.js';
import type { Callback, EpochRecord, Fit, FittedLearner, History } from './fit.js';

const FORMAT = 'dotbias checkpoint 2';

type Settings = Readonly<Record<string, unknown>>;

/** A fit as it was after an epoch: all that is needed to go on with the same bits. */
export interface Checkpoint {
  /** Version of dotbias, description of the adapter, and `mathFingerprint` of the JavaScript engine, that wrote it. */
  readonly version: string;
  readonly adapter: string;
  readonly math: string;
  /** What data and learner were. */
  readonly config: Settings;
  /** What the fit was to do. */
  readonly plan: Settings;
  /** Where it stood. */
  readonly progress: Progress;
  /** Of the learner's whole life; the last `progress.epochs` are of this fit. */
  readonly history: History;
  readonly state: ModelState;
  /** Of the callbacks that have a name. */
  readonly callbackStates: Readonly<Record<string, Record<string, Tensor>>>;
}

interface Progress {
  /** Epochs made of this fit. */
  epochs: number;
  stopped: boolean;
  /** Of the learner's whole life. */
  stepCount: number;
  epochCount: number;
}

/** Tensors of the model's state have names of their own, so that no callback's can be taken for them. */
const STATE_NAMES = ['param', 'm', 'v'] as const;
const HISTORY_NAMES = ['smoothLosses', 'lrs', 'beta1s'] as const;

/**
 * The content of a checkpoint file.
 * @throws DotbiasError unless the fit stands between two of its epochs
 */
export async function encodeCheckpoint(fit: Fit): Promise<Uint8Array> {
  const { learner, callbacks, records, stopped } = fit;
  const {
    embeddings,
    history,
    trainer: { stepCount, epochCount },
  } = learner;
  if (stepCount !== (fit.plan['firstStep'] as number) + records.length * learner.trainer.stepsPerEpoch) {
    throw new DotbiasError('A checkpoint can be made only between two epochs of its own fit: call encodeCheckpoint in onEpoch.');
  }
  const { nRows, rowStride } = embeddings.layout;
  const tensors: Record<string, Tensor> = {};
  for (const [name, data] of Object.entries(await embeddings.readState())) {
    tensors[name] = { dtype: 'F32', shape: [nRows, rowStride], data };
  }
  tensors['losses'] = { dtype: 'F32', shape: [history.losses.length], data: Float32Array.from(history.losses) };
  for (const name of HISTORY_NAMES) {
    tensors[name] = { dtype: 'F64', shape: [history[name].length], data: Float64Array.from(history[name]) };
  }
  namedOf(callbacks).forEach((callback, i) => {
    for (const [name, tensor] of Object.entries(callback.saveState?.() ?? {})) tensors[callbackTensor(i) + name] = tensor;
  });
  const progress: Progress = { epochs: records.length, stopped, stepCount, epochCount };
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: VERSION,
    adapter: embeddings.gpu.info.description,
    math: mathFingerprint(),
    config: JSON.stringify(configOf(learner)),
    plan: JSON.stringify(planOf(fit)),
    progress: JSON.stringify(progress),
    epochs: JSON.stringify(history.epochs),
  };
  return writeSafetensors(tensors, { ...metadata, checksum: checksum(tensors, metadata) });
}

const namedOf = (callbacks: readonly Callback[]) => callbacks.filter(({ name }) => name !== undefined);

/** Begins the names of the tensors of callback i of those with a name, which may hold any character itself. */
const callbackTensor = (i: number) => `callback ${i}.`;

/**
 * Reads a checkpoint file.
 * @throws FileFormatError if it is not one, is of another format version, or any bit of it is not as it was written
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const {
    tensors,
    metadata: { checksum: expected, ...metadata },
  } = readSafetensors(bytes);
  if (metadata['format'] !== FORMAT) {
    const found = JSON.stringify(metadata['format'] ?? 'not given');
    throw new FileFormatError(`Not a checkpoint that this version reads: its format is ${found}, not ${JSON.stringify(FORMAT)}.`);
  }
  if (checksum(tensors, metadata) !== expected) {
    throw new FileFormatError('The checkpoint is damaged: its content does not fit its checksum.');
  }
  try {
    return fromParts(tensors, metadata);
  } catch (cause) {
    throw new FileFormatError('The checkpoint is not whole: it lacks parts that this version writes.', { cause });
  }
}

/** @throws any error if a part is missing */
function fromParts(tensors: Readonly<Record<string, Tensor>>, metadata: Readonly<Record<string, string>>): Checkpoint {
  const parse = (name: string) => JSON.parse(metadata[name]);
  const numbers = (name: string) => Array.from(tensors[name].data as Float64Array);
  const stateNames = STATE_NAMES.filter((name) => name === 'param' || name in tensors);
  const state = stateNames.map((name) => [name, Float32Array.from(tensors[name].data as Float32Array)]);
  const callbackStates: Record<string, Record<string, Tensor>> = {};
  (parse('plan')['callbacks'] as string[]).forEach((callback, i) => {
    const own = Object.entries(tensors).filter(([name]) => name.startsWith(callbackTensor(i)));
    callbackStates[callback] = Object.fromEntries(own.map(([name, tensor]) => [name.slice(callbackTensor(i).length), tensor]));
  });
  return {
    version: metadata['version'],
    adapter: metadata['adapter'],
    math: metadata['math'],
    config: parse('config'),
    plan: parse('plan'),
    progress: parse('progress'),
    history: {
      losses: numbers('losses'),
      smoothLosses: numbers('smoothLosses'),
      lrs: numbers('lrs'),
      beta1s: numbers('beta1s'),
      epochs: JSON.parse(metadata['epochs'], (_, value) => (value === null ? NaN : value)) as EpochRecord[],
    },
    state: Object.fromEntries(state) as ModelState,
    callbackStates,
  };
}

/**
 * Sets a learner, and a fit that is about to begin, to where the checkpoint was made.
 * @throws FileFormatError, nothing changed, if data, configuration or fit are others, with the first difference named
 */
export function resumeFit(checkpoint: Checkpoint, fit: Fit): void {
  const {
    learner: { embeddings, trainer, history },
    callbacks,
  } = fit;
  const { config, plan, progress, state } = checkpoint;
  refuseDifferent(config, configOf(fit.learner));
  refuseDifferent(plan, planOf(fit));
  embeddings.writeState(state);
  trainer.stepCount = progress.stepCount;
  trainer.epochCount = progress.epochCount;
  for (const name of ['losses', ...HISTORY_NAMES] as const) history[name] = [...checkpoint.history[name]];
  history.epochs = [...checkpoint.history.epochs];
  fit.records.push(...history.epochs.slice(history.epochs.length - progress.epochs));
  fit.stopped = progress.stopped;
  for (const callback of namedOf(callbacks)) callback.loadState?.(checkpoint.callbackStates[callback.name!]);
}

/** Why a resumed fit may end with other last bits than an uninterrupted one; empty if nothing suggests that. */
export function resumeWarnings({ version, adapter, math }: Checkpoint, { embeddings: { gpu } }: FittedLearner): string[] {
  const warnings: string[] = [];
  const now = gpu.info.description;
  if (adapter !== now) {
    warnings.push(`The checkpoint was made on ${adapter}, this is ${now}: results may differ in their last bits.`);
  }
  if (math !== mathFingerprint()) {
    warnings.push('The checkpoint was made in another JavaScript engine, or version of it: results may differ in their last bits.');
  }
  if (version !== VERSION) {
    warnings.push(`The checkpoint was made by dotbias ${version}, this is ${VERSION}: results may differ.`);
  }
  return warnings;
}

/** All that decides a learner's steps, in JSON's terms. An op is known by its name, its constants and its WGSL. */
function configOf({ data, embeddings, defaults, seed, trainer: { options, stepper } }: FittedLearner): Settings {
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
    stepper: stepper.name,
  };
}

/** All that decides a fit: its schedule, its callbacks, and where and in which order it began. */
function planOf(fit: Fit): Settings {
  let known = plans.get(fit);
  if (known === undefined) {
    const { learner, plan, schedule, callbacks } = fit;
    known = {
      ...plan,
      callbacks: namedOf(callbacks).map(({ name }) => name),
      // In float32, in which all JavaScript engines agree; `mathFingerprint` has the rest.
      schedule: fingerprint(Float32Array.from(schedule.lr), Float32Array.from(schedule.beta1)),
      order: fingerprint(learner.trainer.order(plan['firstEpoch'] as number)),
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
  epochs: 'number of epochs',
  schedule: 'fingerprint of the schedule',
  order: 'fingerprint of the order of the ratings',
  firstStep: 'number of steps made before the fit',
  firstEpoch: 'number of epochs made before the fit',
};

function refuseDifferent(then: Settings, now: Settings): void {
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])];
  // What the schedule was made from says more than its fingerprint.
  for (const name of names.sort((a, b) => Number(a === 'schedule') - Number(b === 'schedule'))) {
    const [a, b] = [then, now].map((settings) => (settings[name] === undefined ? 'the default' : JSON.stringify(settings[name])));
    if (a === b) continue;
    throw new FileFormatError(
      `The checkpoint is of another run: its ${WORDS[name] ?? name} is ${a}, here it is ${b}. ` +
        'Resume with what it was made with, or start anew in another folder.',
    );
  }
}

const fingerprints = new WeakMap<CollabData, string>();

/** Of the ratings as training sees them and of the ids that their rows stand for. */
export function dataFingerprint(data: CollabData): string {
  let known = fingerprints.get(data);
  if (known === undefined) {
    const { users, items, train, valid } = data;
    const ids = new TextEncoder().encode(JSON.stringify([users.ids, items.ids]));
    known = fingerprint(ids, ...[train, valid].flatMap((part) => [part.users, part.items, part.ratings]));
    fingerprints.set(data, known);
  }
  return known;
}

function checksum(tensors: Readonly<Record<string, Tensor>>, metadata: Readonly<Record<string, string>>): string {
  const names = Object.keys(tensors).sort();
  const described = JSON.stringify([
    names.map((name) => [name, tensors[name].dtype, tensors[name].shape]),
    Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  return fingerprintText(`${described} ${fingerprint(...names.map((name) => tensors[name].data))}`);
}
