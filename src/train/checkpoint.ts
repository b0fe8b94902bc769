/**
 * A fit between two epochs, as bytes: a safetensors file with the parameters, the optimiser's state and the history of the
 * losses, and in its metadata what else decides how the fit goes on. The schedule is a table made whole from its options
 * and submissions end with the epoch, so a fit resumed from here takes the very steps that it would have taken.
 */
import { DotbiasError, FileFormatError } from '../base/errors.js';
import { fingerprint, fingerprintText } from '../base/fingerprint.js';
import { quote } from '../base/json.js';
import { mathFingerprint } from '../base/math-fingerprint.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../base/safetensors.js';
import { VERSION } from '../base/version.js';
import type { BlocksIndex, ReadBlock } from './checkpoint-blocks.js';
import {
  callbackTensor,
  type CheckpointParts,
  type CheckpointRest,
  EPOCH_COLUMNS,
  HISTORY_NAMES,
  type Progress,
  readParts,
  readRest,
  unusable,
} from './checkpoint-parts.js';
import type { Callback, EpochRecord, Fit, FittedLearner } from './fit.js';
import { configOf, namedOf, planOf, refuseDifferent } from './identity.js';

/** Version 3 has the epochs' records as a tensor. Another version is refused: which parts it has is not known. */
const FORMAT = 'dotbias checkpoint 3';
/** All but the state of the model. */
const REST_FORMAT = 'dotbias checkpoint rest 3';

/** What wrote a checkpoint: the version of dotbias, the description of the adapter, and `mathFingerprint` of the JavaScript engine. */
export interface CheckpointWriter {
  readonly version: string;
  readonly adapter: string;
  readonly math: string;
}

/** A fit as it was after an epoch: all that is needed to go on with the same bits. */
export interface Checkpoint extends CheckpointParts, CheckpointWriter {}

/** The same of a fit in strata, whose state is in blocks that are read when a fit resumes, each by the rank that has it then. */
export interface BlocksCheckpoint extends CheckpointRest, CheckpointWriter {
  readonly index: BlocksIndex;
  readonly readBlock: ReadBlock;
}

/**
 * The content of a checkpoint file.
 * @throws DotbiasError unless the fit stands between two of its epochs
 */
export async function encodeCheckpoint(fit: Fit): Promise<Uint8Array> {
  checkBetweenEpochs(fit);
  const { embeddings } = fit.learner;
  const { nRows, rowStride } = embeddings.layout;
  const tensors: Record<string, Tensor> = {};
  for (const [name, data] of Object.entries(await embeddings.readState())) {
    tensors[name] = { dtype: 'F32', shape: [nRows, rowStride], data };
  }
  return encode(fit, FORMAT, tensors);
}

/**
 * All that a checkpoint holds beside the state of the model.
 * @throws DotbiasError unless the fit stands between two of its epochs
 */
export function encodeRest(fit: Fit): Uint8Array {
  checkBetweenEpochs(fit);
  return encode(fit, REST_FORMAT, {});
}

function checkBetweenEpochs({ learner: { trainer }, plan, records }: Fit): void {
  if (trainer.stepCount === (plan['firstStep'] as number) + records.length * trainer.stepsPerEpoch) return;
  throw new DotbiasError('A checkpoint can be made only between two epochs of its own fit: call encodeCheckpoint in onEpoch.');
}

/** @param tensors of the state; the others are added */
function encode(fit: Fit, format: string, tensors: Record<string, Tensor>): Uint8Array {
  const { learner, callbacks, records, stopped } = fit;
  const {
    embeddings,
    history,
    trainer: { stepCount, epochCount },
  } = learner;
  tensors['losses'] = { dtype: 'F32', shape: [history.losses.length], data: Float32Array.from(history.losses) };
  for (const name of HISTORY_NAMES) {
    tensors[name] = { dtype: 'F64', shape: [history[name].length], data: Float64Array.from(history[name]) };
  }
  tensors['epochs'] = epochsTensor(history.epochs);
  namedOf(callbacks).forEach((callback, i) => {
    for (const [name, tensor] of Object.entries(callback.saveState?.() ?? {})) tensors[callbackTensor(i) + name] = tensor;
  });
  const progress: Progress = { epochs: records.length, stopped, stepCount, epochCount };
  const metadata: Record<string, string> = {
    format,
    version: VERSION,
    adapter: embeddings.gpu.info.description,
    math: mathFingerprint(),
    config: JSON.stringify(configOf(learner)),
    plan: JSON.stringify(planOf(fit)),
    progress: JSON.stringify(progress),
  };
  return writeSafetensors(tensors, { ...metadata, checksum: checksum(tensors, metadata) });
}

function epochsTensor(epochs: readonly EpochRecord[]): Tensor {
  const rows = epochs.map((record): Record<string, unknown> => ({ ...record.valid, ...record }));
  const data = Float64Array.from(rows.flatMap((row) => EPOCH_COLUMNS.map((column) => row[column] as number)));
  return { dtype: 'F64', shape: [epochs.length, EPOCH_COLUMNS.length], data };
}

/** The longest header accepted: what is long is in tensors. */
const MAX_HEADER_BYTES = 2 ** 24;

/**
 * Reads a checkpoint file, and checks each of its parts: a checksum tells damage, not who wrote it.
 * @throws FileFormatError if it is not one, is of another format version, or any part of it is not as it was written
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata, writer } = decode(bytes, FORMAT);
  return { ...writer, ...readParts(tensors, metadata) };
}

/** The inverse of `encodeRest`. @throws as `decodeCheckpoint` */
export function decodeRest(bytes: Uint8Array): CheckpointRest & CheckpointWriter {
  const { tensors, metadata, writer } = decode(bytes, REST_FORMAT);
  return { ...writer, ...readRest(tensors, metadata) };
}

function decode(bytes: Uint8Array, wanted: string) {
  const {
    tensors,
    metadata: { checksum: expected, ...metadata },
  } = readSafetensors(bytes, { maxHeaderBytes: MAX_HEADER_BYTES });
  const { format, version = '', adapter, math } = metadata;
  if (format?.startsWith('dotbias checkpoint ') && format !== wanted) {
    throw new FileFormatError(
      `This is a ${format}, of dotbias ${version}, and this dotbias ${VERSION} reads only a ${wanted}: ` +
        'end that run with the version that began it, or start anew in another folder.',
    );
  }
  if (format !== wanted)
    throw new FileFormatError(`Not a checkpoint: its format is ${quote(format ?? 'not given')}, not ${quote(wanted)}.`);
  if (checksum(tensors, metadata) !== expected) {
    throw new FileFormatError('The checkpoint is damaged: its content does not fit its checksum.');
  }
  if (adapter === undefined || math === undefined) return unusable('its metadata lack adapter or math');
  return { tensors, metadata, writer: { version, adapter, math } };
}

/**
 * Sets a learner, and a fit that is about to begin, to where the checkpoint was made. Every rank calls it.
 * @throws FileFormatError, the learner unchanged, if data, configuration or fit are others, with the first difference named,
 *   or if a part of the checkpoint does not suit them; what reading a block throws
 */
export async function resumeFit(checkpoint: Checkpoint | BlocksCheckpoint, fit: Fit): Promise<void> {
  const {
    learner: { embeddings, trainer, history },
    callbacks,
  } = fit;
  const { config, plan, progress } = checkpoint;
  refuseDifferent(config, configOf(fit.learner));
  refuseDifferent(plan, planOf(fit));
  await checkState(checkpoint, fit);
  checkProgress(checkpoint, fit);
  const { epochs } = checkpoint.history;
  fit.records.push(...epochs.slice(epochs.length - progress.epochs));
  for (const callback of namedOf(callbacks)) loadState(callback, checkpoint, fit);
  // Nothing is refused from here on.
  if ('state' in checkpoint) embeddings.writeState(checkpoint.state);
  else await (await import('./state-blocks.js')).writeBlocks(fit.learner, checkpoint.readBlock);
  trainer.stepCount = progress.stepCount;
  trainer.epochCount = progress.epochCount;
  for (const name of ['losses', ...HISTORY_NAMES] as const) history[name] = [...checkpoint.history[name]];
  history.epochs = [...epochs];
  fit.stopped = progress.stopped;
}

/** Holds the state to the model; that of blocks was held to the index as they were read. */
async function checkState(checkpoint: Checkpoint | BlocksCheckpoint, { learner }: Fit): Promise<void> {
  if ('index' in checkpoint) return (await import('./state-blocks.js')).checkBlocks(learner, checkpoint.index);
  try {
    learner.embeddings.checkState(checkpoint.state);
  } catch (cause) {
    throw new FileFormatError(`Not a usable checkpoint of this model: ${(cause as Error).message}`, { cause });
  }
}

/** Holds what the checkpoint says of itself to the learner and the fit. */
function checkProgress({ progress, plan, history }: CheckpointRest, { learner: { trainer }, schedule }: Fit): void {
  const done = progress.epochs * trainer.stepsPerEpoch;
  const first = history.lrs.length - done;
  if (done > schedule.lr.length || first < 0) unusable(`it has ${progress.epochs} epochs, more than its losses or the fit`);
  if (progress.stepCount !== (plan['firstStep'] as number) + done) unusable(`its stepCount is ${progress.stepCount}`);
  for (let step = 0; step < done; step++) {
    const isOurs = (name: 'lr' | 'beta1') => Math.fround(history[`${name}s`][first + step]) === Math.fround(schedule[name][step]);
    if (!isOurs('lr') || !isOurs('beta1')) unusable(`the rates of step ${step} are not those of the schedule`);
  }
}

/** @throws FileFormatError for a state that the callback cannot go on from */
function loadState(callback: Callback, { callbackStates }: CheckpointRest, fit: Fit): void {
  try {
    callback.loadState?.(callbackStates[callback.name!], fit);
  } catch (cause) {
    throw new FileFormatError(`Not a usable checkpoint: the state of ${callback.name} is not one that it saved.`, { cause });
  }
}

/** Why a resumed fit may end with other last bits than an uninterrupted one; empty if nothing suggests that. */
export function resumeWarnings({ version, adapter, math }: CheckpointWriter, { embeddings: { gpu } }: FittedLearner): string[] {
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

function checksum(tensors: Readonly<Record<string, Tensor>>, metadata: Readonly<Record<string, string>>): string {
  const names = Object.keys(tensors).sort();
  const described = JSON.stringify([
    names.map((name) => [name, tensors[name].dtype, tensors[name].shape]),
    Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  return fingerprintText(`${described} ${fingerprint(...names.map((name) => tensors[name].data))}`);
}
