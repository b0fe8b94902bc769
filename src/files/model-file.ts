/**
 * A trained model as one safetensors file, which Python's `safetensors` reads too.
 *
 *     tensors   userFactors [nUsers, nFactors]   itemFactors [nItems, nFactors]   userBias [nUsers]   itemBias [nItems]
 *               all F32; row 0 of each is `#na#`; the biases of a model without biases are zeros
 *               trainUsers, trainItems U32, trainRatings F32, all [nTrain]: the training ratings by table row (all or none)
 *               validUsers, validItems U32 [nValid]: the pairs held out for validation, without their ratings (all or none)
 *               userIds, itemIds   the id of every table row, `#na#` first, see id-tensors.ts
 *               titles             the title of every item row, empty where it is not known (absent if none is)
 *     metadata  format "dotbias", formatVersion "2", and as JSON
 *               config         { nFactors, bias, yRange, score, range, training }: score and range are the names of the ops and
 *                              their constants, { name, constants }; residualVariance too, where it is known: see `ModelInfo`
 *
 * Version 1 (dotbias 0.1.0), which is still read, had the ids as JSON in the metadata `users` and `items`, the titles too (null
 * where not known), no held-out pairs, and neither score nor range: its score is the dot product.
 */
import { identity, type RangeOp, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct, type ScoreOp } from '../../shaders/ops/score.js';
import { CollabModel } from '../answer/collab-model.js';
import type { ModelInfo } from '../answer/trained-model.js';
import { checkOptions, isBytes, isRange, show } from '../base/check.js';
import { DotbiasError, FileFormatError } from '../base/errors.js';
import { isObject, type JsonLimits, parseJson, quote } from '../base/json.js';
import { readSafetensors, safetensorsPieces, type Tensor, writeSafetensors } from '../base/safetensors.js';
import { type Id, type IdMap, titleOf } from '../data/ids.js';
import { onGpu, openGpu } from '../gpu/acquire.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Op } from '../gpu/kernel.js';
import { MAX_PARAM, type ModelShape, type Tables } from '../model/layout.js';
import { EmbeddingTables, fitsOneBinding } from '../model/tables.js';
import type { CollabLearner } from '../train/learner.js';
import type { FetchOptions } from './fetch-model.js';
import { idTensors, readIds, readIdTensors, readTextTensors, textTensors } from './id-tensors.js';
import { ratedTensors, readRated } from './rated-tensors.js';

const FORMAT = 'dotbias';
const FORMAT_VERSION = '2';

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
   * Whether the file holds the training ratings and the held-out pairs, where the model knows them: `recommend` then leaves out
   * what a user has rated. They are personal data, and make the file larger by 12 bytes a rating. Default true.
   */
  ratings?: boolean | undefined;
}

/**
 * The bytes of a model file. A `CollabLearner` is a model too; see `trainingConfig` for what to note of it.
 *
 * @throws DotbiasError if a value of the model is not finite, as after a diverged training
 */
export async function encodeModel(model: CollabModel, options: EncodeOptions = {}): Promise<Uint8Array> {
  checkOptions('encodeModel', options, ['training', 'ratings']);
  return writeModel(decoded(model, options, await model.embeddings.readTables(), await model.residualVariance()));
}

/**
 * A model file in pieces, to be written one after the other: it may be longer than any array. Of a model on several ranks every rank
 * calls it, and rank 0 alone gets the pieces.
 *
 * @throws as `encodeModel`
 */
export async function modelPieces(model: CollabModel, options: EncodeOptions = {}): Promise<Uint8Array[] | undefined> {
  const { embeddings } = model;
  const residualVariance = await model.residualVariance();
  const tables = await embeddings.gatherTables();
  if (tables === undefined) return undefined;
  const { tensors, metadata } = contentOf(decoded(model, options, tables, residualVariance));
  return safetensorsPieces(tensors, metadata);
}

function decoded(
  { embeddings, info }: CollabModel,
  { training = {}, ratings = true }: EncodeOptions,
  tables: Tables,
  residualVariance: number | undefined,
): DecodedModel {
  const { train, valid, ...rest } = info;
  return { ...rest, ...(ratings && { train, valid }), residualVariance, shape: embeddings.shape, tables, training };
}

/** The inverse of `decodeModel`: the bytes of a model that need not be on a device. @throws DotbiasError as `encodeModel` */
export function writeModel(model: DecodedModel): Uint8Array {
  const { tensors, metadata } = contentOf(model);
  return writeSafetensors(tensors, metadata);
}

function contentOf(model: DecodedModel) {
  const { tables, shape, users, items, titles } = model;
  const { nUsers, nItems, nFactors } = shape;
  const tensors: Record<string, Tensor> = {
    userFactors: { dtype: 'F32', shape: [nUsers, nFactors], data: tables.userFactors },
    itemFactors: { dtype: 'F32', shape: [nItems, nFactors], data: tables.itemFactors },
    userBias: { dtype: 'F32', shape: [nUsers], data: tables.userBias },
    itemBias: { dtype: 'F32', shape: [nItems], data: tables.itemBias },
  };
  checkValues(tensors);
  Object.assign(
    tensors,
    ratedTensors(model),
    idTensors('userIds', users),
    idTensors('itemIds', items),
    titleTensors('titles', titles, items),
  );
  return { tensors, metadata: metadataOf(shape, model) };
}

/** @throws DotbiasError for a value that cannot be saved */
export function checkValues(tensors: Readonly<Record<string, Pick<Tensor, 'data'>>>): void {
  for (const [name, { data }] of Object.entries(tensors)) {
    const problem = unusable(data);
    if (problem !== undefined) throw new DotbiasError(`The model cannot be saved: ${name} holds ${problem}.`);
  }
}

/** The titles of all items or of some; none if none has one. */
export function titleTensors(name: string, titles: ModelInfo['titles'], items: IdMap, rows?: Uint32Array): Record<string, Tensor> {
  if (titles === undefined) return {};
  const ofRows = Array.from({ length: rows?.length ?? items.size }, (_, k) => titleOf(titles, items.idOf(rows?.[k] ?? k)) ?? '');
  return ofRows.some((title) => title !== '') ? textTensors(name, ofRows) : {};
}

/** What a file says of a model as a whole. */
export function metadataOf(
  { nFactors, hasBias }: ModelShape,
  {
    score,
    range,
    residualVariance,
    training = {},
  }: Pick<ModelInfo, 'score' | 'range' | 'residualVariance'> & { training?: TrainingConfig | undefined },
) {
  const config = { nFactors, bias: hasBias, yRange: range.bounds, score: named(score), range: named(range), residualVariance, training };
  return { format: FORMAT, formatVersion: FORMAT_VERSION, config: JSON.stringify(config) };
}

const named = ({ name, uniforms = {} }: Op) => ({ name, constants: uniforms });

const GIVE_BYTES =
  'give the content of the file as a Uint8Array, its path to loadModelFile of dotbias-node, or its https address to loadModel.';

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
  if (formatVersion !== FORMAT_VERSION && formatVersion !== '1') {
    refuse(`its format version is ${quote(formatVersion)}, and this dotbias reads "1" and "${FORMAT_VERSION}"`);
  }
  return modelOf(tensors, readConfig(metadata, ops), formatVersion === '1' ? namesOfVersion1(tensors, metadata) : readNames(tensors));
}

/** A model of its parts, checked. @throws FileFormatError as `decodeModel` */
export function modelOf(tensors: Readonly<Record<string, Tensor>>, config: Config, { users, items, titles }: Names): DecodedModel {
  const { nFactors, hasBias, ...said } = config;
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
  const titleById = titles && titlesById(titles, items);
  return { tables, shape, users, items, ...said, titles: titleById, ...readRated(tensors, shape, refuse) };
}

/** Where a loaded model goes, and the ops that it was made with; all optional. */
export interface LoadOptions extends ModelOps {
  /** A plain `GPUDevice` is borrowed. Default: a device opened for this model, which `release` ends. */
  gpu?: Gpu | GPUDevice | undefined;
}

/**
 * A saved model on a device, ready to predict exactly what it predicted when it was saved (on the same device).
 *
 *     const model = await loadModel('https://example.org/model.safetensors', { sha256: '97cad395...' });
 *
 * @param file the bytes of a model file, or what `decodeModel` made of them, or an address of https or http to fetch them from: then
 *   `maxBytes`, `sha256` and `signal` say what is taken, see `FetchOptions`. In a page the server must allow it (CORS)
 * @param open opens a device where none is given. Default: `openGpu` of the core
 * @throws FileFormatError as `decodeModel`, and for another SHA-256; DotbiasError in a sentence if the file cannot be fetched; TypeError
 *   for anything else than bytes, an address or a decoded model, for ops beside the latter, which has its own, and for options of
 *   fetching without an address; MemoryBudgetError if the model does not fit; NoAdapterError without WebGPU. Nothing stays allocated then
 */
export async function loadModel(
  file: Uint8Array | DecodedModel | string | URL,
  options: LoadOptions & FetchOptions = {},
  open: () => Promise<Gpu> = () => openGpu(),
): Promise<CollabModel> {
  checkOptions('loadModel', options, ['gpu', 'score', 'range', 'maxBytes', 'sha256', 'signal']);
  const { gpu: given, maxBytes, sha256, signal, ...ops } = options;
  if (isDecoded(file) && (ops.score ?? ops.range) !== undefined) {
    throw new TypeError('A decoded model has its ops already: give score and range to decodeModel.');
  }
  const { tables, shape, training: _, ...info } = await decodedFrom(file, { maxBytes, sha256, signal }, ops);
  return onGpu(given, open, async (gpu, ownsGpu) => {
    const embeddings = fitsOneBinding(gpu, shape)
      ? new EmbeddingTables(gpu, shape)
      : (await import('../model/parted-tables.js')).tablesToRead(gpu, shape);
    try {
      embeddings.writeTables(tables);
      return new CollabModel(embeddings, info, ownsGpu);
    } catch (error) {
      embeddings.release();
      throw error;
    }
  });
}

/** An address of the web; any other text is most likely the path of a file. */
const isAddress = (file: unknown): file is string | URL => file instanceof URL || (typeof file === 'string' && /^https?:/i.test(file));

/** What a file holds, wherever it is. @throws TypeError for an option that would be ignored in silence; as `loadModel` */
async function decodedFrom(file: Uint8Array | DecodedModel | string | URL, fetching: FetchOptions, ops: ModelOps): Promise<DecodedModel> {
  // Read on demand: most models are given as bytes.
  if (isAddress(file)) return (await import('./fetch-model.js')).fetchedModel(file, fetching, (bytes) => decodeModel(bytes, ops));
  const [given] = Object.entries(fetching).find(([, value]) => value !== undefined) ?? [];
  if (given !== undefined) throw new TypeError(`${given} is for a model that is fetched: give loadModel its address.`);
  return isDecoded(file) ? file : decodeModel(file as Uint8Array, ops);
}

const isDecoded = (file: unknown): file is DecodedModel => typeof file === 'object' && file !== null && 'tables' in file;

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

export type Config = Pick<DecodedModel, 'score' | 'range' | 'residualVariance' | 'training'> & Pick<ModelShape, 'nFactors' | 'hasBias'>;

/** What a file says of a model as a whole. */
export function readConfig(metadata: Readonly<Record<string, string>>, ops: ModelOps): Config {
  const config = parse(metadata, 'config', CONFIG_LIMITS);
  if (!isObject(config)) return refuse('its config is not a JSON object');
  const { nFactors, bias, yRange, residualVariance, training = {} } = config;
  if (!Number.isSafeInteger(nFactors) || (nFactors as number) < 1)
    refuse(`its nFactors is ${quote(nFactors)}, not a whole number of at least 1`);
  if (typeof bias !== 'boolean') refuse(`its config says bias ${quote(bias)}, not true or false`);
  if (yRange !== null && !isRange(yRange)) return refuse(`its yRange is ${quote(yRange)}, not null or two numbers, lo < hi`);
  if (!(residualVariance === undefined || (typeof residualVariance === 'number' && residualVariance > 0 && residualVariance < Infinity))) {
    return refuse(`its residualVariance is ${quote(residualVariance)}, not a positive number`);
  }
  if (!isObject(training)) return refuse(`its training config is ${quote(training)}, not an object`);
  const ours = yRange === null ? identity : sigmoidRange(yRange);
  const score = opOf('score', config['score'], dotProduct, ops.score);
  const range = opOf('range', config['range'], ours, ops.range);
  return { nFactors: nFactors as number, hasBias: bias as boolean, score, range, residualVariance, training };
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

/** Ids and titles by row; a title is null or empty where it is not known. */
export interface Names {
  users: IdMap;
  items: IdMap;
  titles?: readonly (string | null)[] | undefined;
}

function readNames(tensors: Record<string, Tensor>): Names {
  return {
    users: readIdTensors(tensors, 'userIds', 'its users', refuse),
    items: readIdTensors(tensors, 'itemIds', 'its items', refuse),
    titles: tensors['titles'] && readTextTensors(tensors, 'titles', refuse),
  };
}

function namesOfVersion1(tensors: Record<string, Tensor>, metadata: Record<string, string>): Names {
  // The tables bound the lists: a list of a hundred million nothings is not even parsed.
  const list = (key: string, table: string) => parse(metadata, key, { maxDepth: 1, maxValues: (tensors[table]?.shape[0] ?? 0) + 2 });
  const titles = metadata['titles'] === undefined ? undefined : list('titles', 'itemBias');
  if (titles !== undefined && !Array.isArray(titles)) return refuse('its titles are not a list');
  const wrong = titles?.findIndex((title) => title !== null && typeof title !== 'string') ?? -1;
  if (wrong !== -1) refuse(`title ${wrong} is ${quote(titles![wrong])}, not a string or null`);
  const users = readIds(list('users', 'userBias'), 'its users', refuse);
  const items = readIds(list('items', 'itemBias'), 'its items', refuse);
  return { users, items, titles };
}

function titlesById(titles: readonly (string | null)[], items: IdMap): Map<Id, string> {
  if (titles.length !== items.size) refuse(`its titles are not a list of ${items.size}, one for each item`);
  const byId = new Map<Id, string>();
  titles.forEach((title, row) => {
    if (title) byId.set(items.idOf(row), title);
  });
  return byId;
}

function readTable(tensors: Readonly<Record<string, Tensor>>, name: keyof Tables, wanted: number[]): Float32Array {
  const tensor = tensors[name];
  if (tensor === undefined) return refuse(`the tensor ${name} is missing`);
  if (tensor.dtype !== 'F32') return refuse(`${name} is ${tensor.dtype}, not F32`);
  if (String(tensor.shape) !== String(wanted))
    refuse(`${name} has the shape [${tensor.shape}], but its ids and config make it [${wanted}]`);
  const problem = unusable(tensor.data);
  if (problem !== undefined) refuse(`${name} holds ${problem}`);
  return tensor.data;
}

/** Of `training`, which is the caller's, the config may hold anything that people and reports can read. */
const CONFIG_LIMITS: JsonLimits = { maxDepth: 32, maxValues: 100_000 };

function parse(metadata: Readonly<Record<string, string>>, key: string, limits: JsonLimits): unknown {
  const text = metadata[key];
  if (text === undefined) return refuse(`its metadata has no ${key}`);
  try {
    return parseJson(text, limits);
  } catch (error) {
    return refuse(`its metadata ${key} ${(error as Error).message}`);
  }
}

/** Refuses a file, by the end of a sentence. */
export function refuse(problem: string): never {
  throw new FileFormatError(`Not a usable model file: ${problem}.`);
}

/** What is wrong with values of a table. A loop: `every` is several times slower on tables of many million values. */
function unusable(values: Tensor['data']): string | undefined {
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i] as number) <= MAX_PARAM)) {
      return Number.isFinite(values[i])
        ? `values beyond ${MAX_PARAM}, with which scores are infinite`
        : 'values that are not finite numbers';
    }
  }
  return undefined;
}
