/**
 * A trained model as one safetensors file, which Python's `safetensors` reads too.
 *
 *     tensors   userFactors [nUsers, nFactors]   itemFactors [nItems, nFactors]   userBias [nUsers]   itemBias [nItems]
 *               all F32; row 0 of each is `#na#`; the biases of a model without biases are zeros
 *               trainUsers, trainItems U32, trainRatings F32, all [nTrain]: the training ratings by table row (all or none)
 *     metadata  format "dotbias", formatVersion "1", and as JSON:
 *               users, items   the id of every table row, `#na#` first
 *               titles         the title of every item row, null where it is not known (absent if none is)
 *               config         { nFactors, bias, yRange, score, range, training }: score and range are the names of the ops and
 *                              their constants, { name, constants }; files of 0.1.0 have none, their score is the dot product
 */
import { identity, type RangeOp, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct, type ScoreOp } from '../../shaders/ops/score.js';
import { CollabModel } from '../answer/collab-model.js';
import type { ModelInfo } from '../answer/trained-model.js';
import { checkOptions, isBytes, isRange, show } from '../base/check.js';
import { DotbiasError, FileFormatError } from '../base/errors.js';
import { isObject, quote } from '../base/json.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../base/safetensors.js';
import type { Ratings } from '../data/collab-data.js';
import { type Id, IdMap, NA, titleOf } from '../data/ids.js';
import { onGpu, openBrowserGpu } from '../gpu/acquire.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Op } from '../gpu/kernel.js';
import type { ModelShape, Tables } from '../model/layout.js';
import { EmbeddingTables } from '../model/tables.js';
import type { CollabLearner } from '../train/learner.js';

const FORMAT = 'dotbias';
const FORMAT_VERSION = '1';

/** How a model was trained: for people and for reports, not needed to predict. Any JSON object. */
export type TrainingConfig = Readonly<Record<string, unknown>>;

/** A model file's content, checked: everything that predicting needs, without a device. */
export interface DecodedModel extends ModelInfo {
  tables: Tables;
  shape: ModelShape;
  training: TrainingConfig;
}

/** Ops of your own that a model was made with: a file names them, but cannot hold them. */
export interface ModelOps {
  score?: ScoreOp | undefined;
  range?: RangeOp | undefined;
}

/** What a model file holds beside the model. */
export interface EncodeOptions {
  /** Kept in the file, see `TrainingConfig`. Default: nothing. */
  training?: TrainingConfig | undefined;
  /**
   * Whether the file holds the training ratings, where the model knows them: `recommend` then leaves out what a user has
   * rated. They are personal data, and make the file larger by 12 bytes a rating. Default true.
   */
  ratings?: boolean | undefined;
}

/**
 * The bytes of a model file. A `CollabLearner` is a model too; see `trainingConfig` for what to note of it.
 *
 * @throws DotbiasError if a value of the model is not finite, as after a diverged training
 */
export async function encodeModel({ embeddings, info }: CollabModel, options: EncodeOptions = {}): Promise<Uint8Array> {
  checkOptions('encodeModel', options, ['training', 'ratings']);
  const { training = {}, ratings = true } = options;
  const { train, ...rest } = info;
  const tables = await embeddings.readTables();
  return writeModel({ ...rest, ...(ratings && train && { train }), shape: embeddings.shape, tables, training });
}

/** The inverse of `decodeModel`: the bytes of a model that need not be on a device. @throws DotbiasError as `encodeModel` */
export function writeModel({ tables, shape, users, items, score, range, titles, train, training }: DecodedModel): Uint8Array {
  const { nUsers, nItems, nFactors, hasBias } = shape;
  const tensors: Record<string, Tensor> = {
    userFactors: { dtype: 'F32', shape: [nUsers, nFactors], data: tables.userFactors },
    itemFactors: { dtype: 'F32', shape: [nItems, nFactors], data: tables.itemFactors },
    userBias: { dtype: 'F32', shape: [nUsers], data: tables.userBias },
    itemBias: { dtype: 'F32', shape: [nItems], data: tables.itemBias },
  };
  for (const [name, { data }] of Object.entries(tensors)) {
    if (!allFinite(data)) throw new DotbiasError(`The model cannot be saved: ${name} holds values that are not finite numbers.`);
  }
  if (train) {
    const nTrain = [train.ratings.length];
    tensors['trainUsers'] = { dtype: 'U32', shape: nTrain, data: train.users };
    tensors['trainItems'] = { dtype: 'U32', shape: nTrain, data: train.items };
    tensors['trainRatings'] = { dtype: 'F32', shape: nTrain, data: train.ratings };
  }
  const titleOfRow = items.ids.map((id) => titleOf(titles, id) ?? null);
  return writeSafetensors(tensors, {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    config: JSON.stringify({ nFactors, bias: hasBias, yRange: range.bounds, score: named(score), range: named(range), training }),
    users: JSON.stringify(users.ids),
    items: JSON.stringify(items.ids),
    ...(titleOfRow.some((title) => title !== null) && { titles: JSON.stringify(titleOfRow) }),
  });
}

const named = ({ name, uniforms = {} }: Op) => ({ name, constants: uniforms });

const GIVE_BYTES = 'give the content of the file as a Uint8Array, or its path to loadModelFile of dotbias/node.';

/**
 * Reads and checks a model file. Tables may be views of `bytes`. Tensors and metadata that are not the format's are ignored.
 *
 * @throws FileFormatError for anything that is not a whole model whose parts agree, and for one made with an op that is
 *   neither ours nor among `ops`; TypeError for anything but bytes
 */
export function decodeModel(bytes: Uint8Array, ops: ModelOps = {}): DecodedModel {
  if (!isBytes(bytes)) throw new TypeError(`loadModel and decodeModel take bytes, not ${show(bytes)}: ${GIVE_BYTES}`);
  const { tensors, metadata } = readSafetensors(bytes);
  const { format, formatVersion } = metadata;
  if (format !== FORMAT) refuse(`it is a safetensors file without the metadata format "${FORMAT}"`);
  if (formatVersion !== FORMAT_VERSION) {
    refuse(`its format version is ${quote(formatVersion)}, and this dotbias reads "${FORMAT_VERSION}"`);
  }
  const { nFactors, hasBias, score, range, training } = readConfig(metadata, ops);
  const users = readIds(parse(metadata, 'users'), 'its users', refuse);
  const items = readIds(parse(metadata, 'items'), 'its items', refuse);
  const shape = { nUsers: users.size, nItems: items.size, nFactors, hasBias };
  const table = (name: keyof Tables, ...wanted: number[]) => readTable(tensors, name, wanted);
  const tables = {
    userFactors: table('userFactors', shape.nUsers, nFactors),
    itemFactors: table('itemFactors', shape.nItems, nFactors),
    userBias: table('userBias', shape.nUsers),
    itemBias: table('itemBias', shape.nItems),
  };
  if (!hasBias && [tables.userBias, tables.itemBias].some((biases) => biases.some((b) => b !== 0))) {
    refuse('its config says that it has no biases, but not all of them are zero');
  }
  const titles = readTitles(metadata, items);
  const train = readTrain(tensors, shape);
  return { tables, shape, users, items, score, range, training, ...(titles && { titles }), ...(train && { train }) };
}

/** Where a loaded model goes, and the ops that it was made with; all optional. */
export interface LoadOptions extends ModelOps {
  /** A plain `GPUDevice` is borrowed. Default: a device opened for this model, which `release` ends. */
  gpu?: Gpu | GPUDevice | undefined;
}

/**
 * A saved model on a device, ready to predict exactly what it predicted when it was saved (on the same device).
 *
 * @param file the bytes of a model file, or what `decodeModel` made of them
 * @param open opens a device where none is given. Default: `navigator.gpu`'s
 * @throws FileFormatError as `decodeModel`; TypeError for anything else than bytes or a decoded model, and for ops beside the
 *   latter, which has its own; MemoryBudgetError if the model does not fit. Nothing stays allocated then
 */
export async function loadModel(
  file: Uint8Array | DecodedModel,
  options: LoadOptions = {},
  open: () => Promise<Gpu> = openBrowserGpu,
): Promise<CollabModel> {
  checkOptions('loadModel', options, ['gpu', 'score', 'range']);
  const { gpu: given, ...ops } = options;
  if (isDecoded(file) && (ops.score ?? ops.range) !== undefined) {
    throw new TypeError('A decoded model has its ops already: give score and range to decodeModel.');
  }
  const { tables, shape, training: _, ...info } = isDecoded(file) ? file : decodeModel(file, ops);
  return onGpu(given, open, async (gpu, ownsGpu) => {
    const embeddings = new EmbeddingTables(gpu, shape);
    try {
      embeddings.writeTables(tables);
      return new CollabModel(embeddings, info, ownsGpu);
    } catch (error) {
      embeddings.release();
      throw error;
    }
  });
}

const isDecoded = (file: Uint8Array | DecodedModel): file is DecodedModel => typeof file === 'object' && file !== null && 'tables' in file;

/** What a model file should note of a learner's training. */
export function trainingConfig({ defaults, data, seed, trainer, history }: CollabLearner): TrainingConfig {
  const { loss, optimizer, batchSize, wd, wdBias } = trainer.options;
  return {
    defaults,
    loss: loss.name,
    optimizer: optimizer.name,
    ...optimizer.uniforms,
    batchSize,
    wd,
    wdBias,
    stepper: trainer.stepper.name,
    data: data.name,
    seed,
    steps: trainer.stepCount,
    epochs: history.epochs.length,
  };
}

type Config = Pick<DecodedModel, 'score' | 'range' | 'training'> & Pick<ModelShape, 'nFactors' | 'hasBias'>;

function readConfig(metadata: Record<string, string>, ops: ModelOps): Config {
  const config = parse(metadata, 'config');
  if (!isObject(config)) return refuse('its config is not a JSON object');
  const { nFactors, bias, yRange, training = {} } = config;
  if (!Number.isSafeInteger(nFactors) || (nFactors as number) < 1)
    refuse(`its nFactors is ${quote(nFactors)}, not a whole number of at least 1`);
  if (typeof bias !== 'boolean') refuse(`its config says bias ${quote(bias)}, not true or false`);
  if (yRange !== null && !isRange(yRange)) return refuse(`its yRange is ${quote(yRange)}, not null or two numbers, lo < hi`);
  if (!isObject(training)) return refuse(`its training config is ${quote(training)}, not an object`);
  const ours = yRange === null ? identity : sigmoidRange(yRange);
  const score = opOf('score', config['score'], dotProduct, ops.score);
  const range = opOf('range', config['range'], ours, ops.range);
  return { nFactors: nFactors as number, hasBias: bias as boolean, score, range, training };
}

/** The op that a file names: ours or the caller's, whose name and constants must be those of the file. */
function opOf<T extends Op>(kind: 'score' | 'range', found: unknown, ours: T, given: T | undefined): T {
  if (found !== undefined && !isObject(found)) return refuse(`its ${kind} is ${quote(found)}, not an object`);
  const { name, constants } = found ?? named(ours);
  const op = given ?? ours;
  if (name !== op.name) {
    const remedy = `which is none of ours: load it with { ${kind} }, the op of that name`;
    refuse(`its ${kind} is ${quote(name)}, ${given === undefined ? remedy : `but the op given is ${quote(op.name)}`}`);
  }
  const wanted = op.uniforms ?? {};
  for (const key of new Set([...Object.keys(wanted), ...Object.keys(isObject(constants) ? constants : {})])) {
    const value = isObject(constants) ? constants[key] : undefined;
    if (value === wanted[key]) continue;
    refuse(`the constant ${key} of its ${kind} is ${quote(value)}, but that of the op is ${quote(wanted[key])}`);
  }
  return op;
}

/** The ids of a table's rows, checked. `name` is what the sentence given to `refuse` calls them. */
export function readIds(ids: unknown, name: string, refuseIt: (problem: string) => never): IdMap {
  if (!Array.isArray(ids) || ids[0] !== NA) return refuseIt(`${name} are not a list of ids that begins with "${NA}"`);
  const type = typeof (ids[1] ?? '');
  for (let row = 1; row < ids.length; row++) {
    const id: unknown = ids[row];
    const valid = typeof id === 'number' ? Number.isSafeInteger(id) && id >= 0 : typeof id === 'string' && id !== '' && id !== NA;
    if (!valid) refuseIt(`row ${row} of ${name} is ${quote(id)}, which is not an id`);
    if (typeof id !== type) refuseIt(`${name} are ${type}s, but row ${row} is ${quote(id)}`);
  }
  const seen = new Set<unknown>();
  const twice = ids.find((id) => seen.size === seen.add(id).size);
  if (twice !== undefined) refuseIt(`the id ${quote(twice)} occurs twice among ${name}`);
  return new IdMap(ids as Id[]);
}

function readTitles(metadata: Record<string, string>, items: IdMap): Map<Id, string> | undefined {
  if (metadata['titles'] === undefined) return undefined;
  const titles = parse(metadata, 'titles');
  if (!Array.isArray(titles) || titles.length !== items.size)
    return refuse(`its titles are not a list of ${items.size}, one for each item`);
  const byId = new Map<Id, string>();
  titles.forEach((title: unknown, row) => {
    if (typeof title === 'string') byId.set(items.idOf(row), title);
    else if (title !== null) refuse(`title ${row} is ${quote(title)}, not a string or null`);
  });
  return byId;
}

function readTable(tensors: Record<string, Tensor>, name: keyof Tables, wanted: number[]): Float32Array {
  const tensor = tensors[name];
  if (tensor === undefined) return refuse(`the tensor ${name} is missing`);
  if (tensor.dtype !== 'F32') return refuse(`${name} is ${tensor.dtype}, not F32`);
  if (String(tensor.shape) !== String(wanted))
    refuse(`${name} has the shape [${tensor.shape}], but its ids and config make it [${wanted}]`);
  if (!allFinite(tensor.data)) refuse(`${name} holds values that are not finite numbers`);
  return tensor.data;
}

function readTrain(tensors: Record<string, Tensor>, { nUsers, nItems }: ModelShape): Ratings | undefined {
  const { trainUsers: users, trainItems: items, trainRatings: ratings } = tensors;
  if (!users && !items && !ratings) return undefined;
  if (!users || !items || !ratings) return refuse('of trainUsers, trainItems and trainRatings some are missing');
  if (users.dtype !== 'U32' || items.dtype !== 'U32' || ratings.dtype !== 'F32') {
    return refuse(`trainUsers, trainItems and trainRatings are ${users.dtype}, ${items.dtype} and ${ratings.dtype}, not U32, U32 and F32`);
  }
  const shapes = [users, items, ratings].map(({ shape }) => `[${shape}]`);
  if (ratings.shape.length !== 1 || shapes.some((shape) => shape !== shapes[2]))
    refuse(`trainUsers, trainItems and trainRatings have the shapes ${shapes.join(', ')}, not one and the same length`);
  checkRows(users.data, 'trainUsers', nUsers);
  checkRows(items.data, 'trainItems', nItems);
  if (!allFinite(ratings.data)) refuse('trainRatings holds values that are not finite numbers');
  return { users: users.data, items: items.data, ratings: ratings.data };
}

/** Training ratings are of rows that have an id: not of `#na#`. */
function checkRows(rows: Uint32Array, name: string, end: number): void {
  for (let k = 0; k < rows.length; k++) {
    if (rows[k] === 0 || rows[k] >= end) refuse(`${name}[${k}] is ${rows[k]}, but table rows with an id are 1 to ${end - 1}`);
  }
}

function parse(metadata: Record<string, string>, key: string): unknown {
  const text = metadata[key];
  if (text === undefined) return refuse(`its metadata has no ${key}`);
  try {
    return JSON.parse(text);
  } catch {
    return refuse(`its ${key} are not JSON`);
  }
}

function refuse(problem: string): never {
  throw new FileFormatError(`Not a usable model file: ${problem}.`);
}

/** A loop: `every` is several times slower on tables of many million values. */
function allFinite(values: Tensor['data']): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
