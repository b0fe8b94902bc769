/** The parts of a checkpoint file, each checked: of the right type, length and range, and in agreement with the others. */
import { isShare, isWhole } from '../base/check.js';
import { FileFormatError } from '../base/errors.js';
import { isObject, parseJson, quote } from '../base/json.js';
import type { Tensor } from '../base/safetensors.js';
import type { ModelState } from '../model/tables.js';
import type { EpochRecord, History } from './fit.js';
import type { Settings } from './identity.js';

/** What a checkpoint holds, apart from who made it and from the state of the model. */
export interface CheckpointRest {
  /** What data and learner were. */
  readonly config: Settings;
  /** What the fit was to do. */
  readonly plan: Settings;
  /** Where it stood. */
  readonly progress: Progress;
  /** Of the learner's whole life; the last `progress.epochs` are of this fit. */
  readonly history: History;
  /** Of the callbacks that have a name. */
  readonly callbackStates: Readonly<Record<string, Record<string, Tensor>>>;
}

/** The same with the state of the model. */
export interface CheckpointParts extends CheckpointRest {
  readonly state: ModelState;
}

/** Where a fit stands. */
export interface Progress {
  /** Epochs made of this fit. */
  epochs: number;
  stopped: boolean;
  /** Of the learner's whole life. */
  stepCount: number;
  epochCount: number;
}

/** Tensors of the model's state have names of their own, so that no callback's can be taken for them. */
export const STATE_NAMES = ['param', 'm', 'v'] as const;
export const HISTORY_NAMES = ['smoothLosses', 'lrs', 'beta1s'] as const;
/** Columns of the tensor `epochs`: an `EpochRecord`, its `valid` among the rest. */
export const EPOCH_COLUMNS = [
  ...(['epoch', 'trainLoss', 'validLoss', 'loss', 'mse', 'rmse', 'mae', 'trainSeconds', 'validateSeconds'] as const),
];

/** Begins the names of the tensors of callback i of those with a name, which may hold any character itself. */
export const callbackTensor = (i: number) => `callback ${i}.`;

type Tensors = Readonly<Record<string, Tensor>>;

/** @throws FileFormatError that names the first part that is not as it was written */
export function readParts(tensors: Tensors, metadata: Readonly<Record<string, string>>): CheckpointParts {
  const state = readState(tensors);
  const others = Object.entries(tensors).filter(([name]) => !(name in state));
  return { ...readRest(Object.fromEntries(others), metadata), state };
}

/** @throws as `readParts` */
export function readRest(tensors: Tensors, metadata: Readonly<Record<string, string>>): CheckpointRest {
  const config = readObject(metadata, 'config');
  const plan = readObject(metadata, 'plan');
  const callbacks = readCallbacks(plan);
  const history = readHistory(tensors);
  const progress = readProgress(readObject(metadata, 'progress'), plan, history);
  const { callbackStates, names } = readCallbackStates(tensors, callbacks);
  const known = new Set<string>(['losses', ...HISTORY_NAMES, 'epochs', ...names]);
  const other = Object.keys(tensors).find((name) => !known.has(name));
  if (other !== undefined) unusable(`it has a tensor ${quote(other)}, which no checkpoint has`);
  return { config, plan, progress, history, callbackStates };
}

function readObject(metadata: Readonly<Record<string, string>>, name: string): Record<string, unknown> {
  const text = metadata[name];
  if (text === undefined) return unusable(`its metadata lack ${name}`);
  try {
    const value = parseJson(text, { maxDepth: 8, maxValues: 100_000 });
    return isObject(value) ? value : unusable(`its ${name} is not an object`);
  } catch (error) {
    if (error instanceof FileFormatError) throw error;
    return unusable(`its ${name} ${(error as Error).message}`);
  }
}

/** The names of the fit's callbacks. Checks what else a learner takes from a plan. */
function readCallbacks(plan: Settings): string[] {
  const { callbacks, firstStep, firstEpoch, beta1 } = plan;
  if (!Array.isArray(callbacks) || !callbacks.every((name) => typeof name === 'string') || new Set(callbacks).size < callbacks.length) {
    return unusable('its plan has no list of callbacks, each with a name of its own');
  }
  if (!isCount(firstStep) || !isCount(firstEpoch)) unusable(`its plan begins at step ${quote(firstStep)} and epoch ${quote(firstEpoch)}`);
  if (beta1 !== undefined && !isShare(beta1)) unusable(`its plan has beta1 ${quote(beta1)}`);
  return callbacks as string[];
}

function readProgress(progress: Record<string, unknown>, plan: Settings, { epochs: records }: History): Progress {
  const { epochs, stopped, stepCount, epochCount, ...others } = progress;
  const isWell = isCount(epochs) && isCount(stepCount) && isCount(epochCount) && typeof stopped === 'boolean';
  if (!isWell || Object.keys(others).length > 0) return unusable('its progress is not epochs, stopped, stepCount and epochCount');
  if (epochCount !== (plan['firstEpoch'] as number) + epochs) unusable(`its epochCount is ${epochCount}`);
  const own = records.slice(Math.max(0, records.length - epochs));
  if (own.length < epochs || own.some(({ epoch }, k) => epoch !== k)) unusable(`it has no records of the ${epochs} epochs of its fit`);
  return { epochs, stopped: stopped as boolean, stepCount, epochCount };
}

/** Whether a value is a number of steps or epochs, from 0. */
const isCount = (value: unknown): value is number => isWhole(value, 0, 0xffffffff);

function readHistory(tensors: Tensors): History {
  const losses = listOf(tensors, 'losses', 'F32');
  const [smoothLosses, lrs, beta1s] = HISTORY_NAMES.map((name) => listOf(tensors, name, 'F64'));
  for (const [name, list] of Object.entries({ smoothLosses, lrs, beta1s })) {
    if (list.length !== losses.length) unusable(`it has ${losses.length} losses, but ${list.length} ${name}`);
  }
  if (!lrs.every((lr) => lr > 0 && lr < Infinity)) unusable('not all its lrs are positive numbers');
  if (!beta1s.every(isShare)) unusable('not all its beta1s lie in [0, 1)');
  return { losses, smoothLosses, lrs, beta1s, epochs: readEpochs(tensors) };
}

function readEpochs(tensors: Tensors): EpochRecord[] {
  const { shape, data } = tensorOf(tensors, 'epochs', 'F64');
  if (shape.length !== 2 || shape[1] !== EPOCH_COLUMNS.length)
    unusable(`epochs has the shape [${shape}], not [epochs, ${EPOCH_COLUMNS.length}]`);
  return Array.from({ length: shape[0] }, (_, k) => {
    const row = data.subarray(k * EPOCH_COLUMNS.length) as Float64Array;
    const [epoch, trainLoss, validLoss, loss, mse, rmse, mae, trainSeconds, validateSeconds] = row;
    const isWell = isCount(epoch) && [mse, rmse, mae].every((error) => !(error < 0)) && trainSeconds >= 0 && validateSeconds >= 0;
    if (!isWell) unusable(`row ${k} of epochs is no record of an epoch`);
    return { epoch, trainLoss, validLoss, valid: { loss, mse, rmse, mae }, trainSeconds, validateSeconds };
  });
}

function readState(tensors: Tensors): ModelState {
  const names = STATE_NAMES.filter((name) => name === 'param' || name in tensors);
  const { shape } = tensorOf(tensors, 'param', 'F32');
  const state = names.map((name) => {
    const tensor = tensorOf(tensors, name, 'F32');
    if (tensor.shape.length !== 2 || String(tensor.shape) !== String(shape)) unusable(`${name} has the shape [${tensor.shape}]`);
    return [name, Float32Array.from(tensor.data)];
  });
  return Object.fromEntries(state) as ModelState;
}

function readCallbackStates(tensors: Tensors, callbacks: readonly string[]) {
  const names: string[] = [];
  const callbackStates: Record<string, Record<string, Tensor>> = Object.create(null);
  callbacks.forEach((callback, i) => {
    const own = Object.entries(tensors).filter(([name]) => name.startsWith(callbackTensor(i)));
    names.push(...own.map(([name]) => name));
    callbackStates[callback] = Object.fromEntries(own.map(([name, tensor]) => [name.slice(callbackTensor(i).length), tensor]));
  });
  return { callbackStates, names };
}

function listOf(tensors: Tensors, name: string, dtype: 'F32' | 'F64'): number[] {
  const { shape, data } = tensorOf(tensors, name, dtype);
  if (shape.length !== 1) unusable(`${name} has the shape [${shape}], and is not a list`);
  return Array.from(data);
}

function tensorOf<D extends 'F32' | 'F64'>(tensors: Tensors, name: string, dtype: D): Extract<Tensor, { dtype: D }> {
  const tensor = tensors[name];
  if (tensor === undefined) return unusable(`the tensor ${name} is missing`);
  if (tensor.dtype !== dtype) return unusable(`${name} is ${tensor.dtype}, not ${dtype}`);
  return tensor as Extract<Tensor, { dtype: D }>;
}

/** Refuses a checkpoint, by the end of a sentence. */
export function unusable(problem: string): never {
  throw new FileFormatError(`Not a usable checkpoint: ${problem}.`);
}
