/**
 * A model in several files, as Hugging Face shards one: safetensors files, and `model.safetensors.index.json`, which says in which of
 * them each tensor is. Each file holds some rows of one side; k is its number, in five digits:
 *
 *     userFactors.k [n, nFactors], userBias.k [n]   F32, as in model-file.ts
 *     userRows.k U32 [n]                            which rows of the table they are, ascending; row 0 is `#na#`
 *     userIds.k, and userIdsOffsets.k of texts      their ids, see id-tensors.ts
 *
 * likewise `item...`, with `titles.k`; and one file holds trainUsers, trainItems and so on, if any does, or several, each of which
 * has some, trainUsers.k and so on. The index has in `metadata`
 * `total_size` (bytes of all tensors), `nUsers`, `nItems`, and the format, formatVersion and config of model-file.ts.
 */
import type { ModelInfo } from '../answer/trained-model.js';
import { isWhole } from '../base/check.js';
import { isObject, parseJson, quote } from '../base/json.js';
import type { Tensor } from '../base/safetensors.js';
import type { ModelShape, Rows, Tables } from '../model/layout.js';
import { idTensors, mapOfIds, readIdColumn, readTextTensors } from './id-tensors.js';
import { joinRated, numbered, readRated } from './rated-tensors.js';
import { checkValues, type DecodedModel, metadataOf, type ModelOps, modelOf, readConfig, refuse, titleTensors } from './model-file.js';

export const MODEL_INDEX = 'model.safetensors.index.json';

type Tensors = Readonly<Record<string, Tensor>>;
type Side = 'user' | 'item';

/**
 * The tensors of some rows of a side.
 *
 * @param k number of the file
 * @param rows which rows of the table they are, ascending
 * @throws DotbiasError if a value is not finite
 */
export function shardTensors(
  { users, items, titles }: Pick<ModelInfo, 'users' | 'items' | 'titles'>,
  side: Side,
  k: number,
  rows: Uint32Array,
  { factors, biases }: Rows,
): Record<string, Tensor> {
  const n = rows.length;
  const tensors: Record<string, Tensor> = {
    [`${side}Factors`]: { dtype: 'F32', shape: [n, factors.length / Math.max(1, n)], data: factors },
    [`${side}Bias`]: { dtype: 'F32', shape: [n], data: biases },
  };
  checkValues(tensors);
  tensors[`${side}Rows`] = { dtype: 'U32', shape: [n], data: rows };
  Object.assign(tensors, idTensors(`${side}Ids`, side === 'user' ? users : items, rows));
  if (side === 'item') Object.assign(tensors, titleTensors('titles', titles, items, rows));
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${name}.${numbered(k)}`, tensor]));
}

/** A file of a model, and the tensors in it. */
export interface Shard {
  file: string;
  names: readonly string[];
  /** Bytes of all its tensors. */
  nBytes: number;
}

/** The text of the index. */
export function encodeModelIndex(shape: ModelShape, info: Parameters<typeof metadataOf>[1], shards: readonly Shard[]): string {
  const metadata = {
    total_size: shards.reduce((sum, { nBytes }) => sum + nBytes, 0),
    nUsers: shape.nUsers,
    nItems: shape.nItems,
    ...metadataOf(shape, info),
  };
  const weight_map = Object.fromEntries(shards.flatMap(({ file, names }) => names.map((name) => [name, file])));
  return `${JSON.stringify({ metadata, weight_map }, null, 2)}\n`;
}

/** What an index says, checked by itself. */
export interface ModelIndex {
  nUsers: number;
  nItems: number;
  metadata: Readonly<Record<string, string>>;
  /** The names of the tensors in each file. */
  files: ReadonlyMap<string, readonly string[]>;
}

/** The inverse of `encodeModelIndex`. @throws FileFormatError for anything else */
export function decodeModelIndex(text: string): ModelIndex {
  const value = parse(text);
  if (!isObject(value) || !isObject(value['metadata']) || !isObject(value['weight_map'])) {
    return refuse('its index has not the objects metadata and weight_map');
  }
  const { nUsers, nItems, ...others } = value['metadata'];
  if (others['format'] !== 'dotbias') return refuse('its index is without the metadata format "dotbias"');
  if (others['formatVersion'] !== '2') {
    return refuse(`the format version of its index is ${quote(others['formatVersion'])}, and this dotbias reads "2"`);
  }
  if (!isWhole(nUsers, 1, 0xffffffff)) return refuse(`its index says nUsers ${quote(nUsers)}`);
  if (!isWhole(nItems, 1, 0xffffffff)) return refuse(`its index says nItems ${quote(nItems)}`);
  const files = new Map<string, string[]>();
  for (const [name, file] of Object.entries(value['weight_map'])) {
    // A name without folders: an index leads nowhere else.
    if (typeof file !== 'string' || !/^\w[\w.-]{0,200}\.safetensors$/.test(file)) {
      return refuse(`its index has tensor ${quote(name)} in ${quote(file)}, which is no name of a file beside it`);
    }
    const names = files.get(file);
    if (names) names.push(name);
    else files.set(file, [name]);
  }
  const texts = Object.entries(others).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { nUsers, nItems, metadata: Object.fromEntries(texts), files };
}

function parse(text: string): unknown {
  try {
    return parseJson(text, { maxDepth: 3, maxValues: 1_000_000 });
  } catch (error) {
    return refuse(`its index ${(error as Error).message}`);
  }
}

/** Puts a model together from its files, one after the other. */
export class ShardedModel {
  readonly #config;
  readonly #tables: Tables;
  readonly #sides: Record<Side, { n: number; seen: Uint8Array; ids: Float64Array | string[] | undefined }>;
  readonly #titles: string[] = [];
  /** Ratings by the number of their file, '' where there is one. */
  readonly #rated = new Map<string, Record<string, Tensor>>();

  /**
   * Allocates the model's tables: hold `tableBytes` to the files first.
   * @throws FileFormatError for a config as of no model; RangeError if memory does not hold the tables
   */
  constructor(
    private readonly index: ModelIndex,
    ops: ModelOps = {},
  ) {
    const { nUsers, nItems, metadata } = index;
    this.#config = readConfig(metadata, ops);
    const { nFactors } = this.#config;
    this.#tables = {
      userFactors: new Float32Array(nUsers * nFactors),
      itemFactors: new Float32Array(nItems * nFactors),
      userBias: new Float32Array(nUsers),
      itemBias: new Float32Array(nItems),
    };
    const side = (n: number) => ({ n, seen: new Uint8Array(n), ids: undefined });
    this.#sides = { user: side(nUsers), item: side(nItems) };
  }

  /** Takes what is in a file. @throws FileFormatError unless these are the tensors that the index has there, whole and new */
  add(file: string, tensors: Tensors): void {
    const wanted = new Set(this.index.files.get(file));
    const missing = [...wanted].find((name) => !(name in tensors)) ?? Object.keys(tensors).find((name) => !wanted.has(name));
    if (missing !== undefined) refuse(`its index and its file ${file} do not agree on the tensor ${quote(missing)}`);
    for (const [name, tensor] of Object.entries(tensors)) {
      const [, side, k] = /^(user|item)Rows\.(\d+)$/.exec(name) ?? [];
      if (side !== undefined) this.#addRows(side as Side, k, tensors);
      const [, rated, of] = /^((?:train|valid)[A-Z][a-z]+)(?:\.(\d+))?$/.exec(name) ?? [];
      if (rated === undefined) continue;
      const part = this.#rated.get(of ?? '') ?? {};
      this.#rated.set(of ?? '', Object.assign(part, { [rated]: tensor }));
    }
  }

  #addRows(side: Side, k: string, tensors: Tensors): void {
    const own: Record<string, Tensor> = {};
    const short = ['Rows', 'Factors', 'Bias', 'Ids', 'IdsOffsets'].map((part) => side + part).concat('titles', 'titlesOffsets');
    for (const name of short) if (tensors[`${name}.${k}`] !== undefined) own[name] = tensors[`${name}.${k}`];
    const { nFactors } = this.#config;
    const rows = own[`${side}Rows`].data as Uint32Array;
    const n = rows.length;
    for (const [part, dtype, shape] of [
      ['Rows', 'U32', [n]] as const,
      ['Factors', 'F32', [n, nFactors]] as const,
      ['Bias', 'F32', [n]] as const,
    ]) {
      const tensor = own[side + part];
      if (tensor?.dtype !== dtype || String(tensor.shape) !== String(shape)) {
        refuse(`${side}${part}.${k} is ${tensor ? `${tensor.dtype} [${tensor.shape}]` : 'missing'}, not ${dtype} [${shape}]`);
      }
    }
    const ids = readIdColumn(own, `${side}Ids`, refuse);
    if (ids.length !== n) refuse(`${side}Ids.${k} has ${ids.length} ids, but there are ${n} rows`);
    const titles = side === 'item' && own['titles'] ? readTextTensors(own, 'titles', refuse) : undefined;
    if (titles && titles.length !== n) refuse(`titles.${k} has ${titles.length} titles, but there are ${n} rows`);
    this.#place(side, k, rows, ids);
    const [factors, biases] = [own[`${side}Factors`].data as Float32Array, own[`${side}Bias`].data as Float32Array];
    for (let r = 0; r < n; r++) {
      this.#tables[`${side}Factors`].set(factors.subarray(r * nFactors, (r + 1) * nFactors), rows[r] * nFactors);
      this.#tables[`${side}Bias`][rows[r]] = biases[r];
      if (titles) this.#titles[rows[r]] = titles[r];
    }
  }

  /** Puts ids where their rows are, each of which is there once. */
  #place(side: Side, k: string, rows: Uint32Array, ids: Float64Array | string[]): void {
    const whole = this.#sides[side];
    const isNumeric = ids instanceof Float64Array;
    whole.ids ??= isNumeric ? new Float64Array(whole.n) : Array.from({ length: whole.n }, () => '');
    if (whole.ids instanceof Float64Array !== isNumeric) refuse(`some of its ${side}s are numbers, and those of ${side}Ids.${k} are not`);
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r];
      if (row >= whole.n) refuse(`${side}Rows.${k} has row ${row}, but its ${side}s have the rows 0 to ${whole.n - 1}`);
      if (whole.seen[row] !== 0) refuse(`row ${row} of its ${side}s is there twice, again in ${side}Rows.${k}`);
      whole.seen[row] = 1;
      whole.ids[row] = ids[r];
    }
  }

  /** The model, once all files were added. @throws FileFormatError unless it is whole and its parts agree */
  finish(): DecodedModel {
    const map = (side: Side) => {
      const { seen, ids } = this.#sides[side];
      const missing = seen.indexOf(0);
      if (ids === undefined || missing !== -1) return refuse(`row ${missing} of its ${side}s is in none of its files`);
      return mapOfIds(ids, `its ${side}s`, refuse);
    };
    const [users, items] = [map('user'), map('item')];
    const titles = this.#titles.length === 0 ? undefined : Array.from({ length: items.size }, (_, row) => this.#titles[row] ?? '');
    const { nFactors } = this.#config;
    const tensors: Record<string, Tensor> = {};
    for (const [name, data] of Object.entries(this.#tables) as [keyof Tables, Float32Array][]) {
      const n = name.startsWith('user') ? users.size : items.size;
      tensors[name] = { dtype: 'F32', shape: name.endsWith('Bias') ? [n] : [n, nFactors], data };
    }
    const parts = [...this.#rated].sort(([a], [b]) => Number(a) - Number(b));
    const sizes = { nUsers: users.size, nItems: items.size };
    const rated = joinRated(
      parts.map(([, part]) => readRated(part, sizes, refuse)),
      refuse,
    );
    return { ...modelOf(tensors, this.#config, { users, items, titles }), ...rated };
  }
}

/** Bytes that the tables of a model take, in its files as in memory. */
export function tableBytes({ nUsers, nItems, metadata }: ModelIndex, ops: ModelOps = {}): number {
  return 4 * (nUsers + nItems) * (readConfig(metadata, ops).nFactors + 2);
}
