/**
 * A checkpoint in blocks, for a fit whose model is dealt to strata: each block of users and of items is a file with its rows of
 * parameters and of the optimiser's state, so that whoever holds a block writes it and whoever needs it reads it, in however many
 * parts either trains. The index says which blocks make one checkpoint; its file appears last.
 */
import { isWhole } from '../base/check.js';
import { FileFormatError } from '../base/errors.js';
import { fingerprint } from '../base/fingerprint.js';
import { isObject, parseJson, quote } from '../base/json.js';
import { readSafetensors, safetensorsPieces } from '../base/safetensors.js';
import { VERSION } from '../base/version.js';

/** Version 1. Another version is refused: which parts it has is not known. */
const BLOCK_FORMAT = 'dotbias checkpoint block 1';
const INDEX_FORMAT = 'dotbias checkpoint blocks 1';

/** Whose rows a block holds. */
export type BlockSide = 'users' | 'items';

/** Reads a block's state, [arrays, rows, rowStride]. */
export type ReadBlock = (side: BlockSide, block: number) => Promise<Float32Array<ArrayBuffer>>;

/** Sizes of a block's state, [arrays, rows, rowStride]: the parameters, then what the optimiser keeps (m, v), in rows of `RowLayout`. */
export type BlockShape = readonly [nArrays: number, nRows: number, rowStride: number];

/** A block's file, as the index knows it. */
export interface BlockEntry {
  /** Rows of the block. */
  readonly nRows: number;
  /** `fingerprint` of its values. */
  readonly checksum: string;
}

/** What makes one checkpoint of blocks. */
export interface BlocksIndex {
  /** Epochs of the fit that are done. */
  readonly epoch: number;
  /** Arrays of each block: parameters and the optimiser's state. */
  readonly nArrays: number;
  readonly rowStride: number;
  /** Block by block; equally many of users and of items. */
  readonly users: readonly BlockEntry[];
  readonly items: readonly BlockEntry[];
  /** `fingerprint` of the file that holds all the rest: settings, schedule, history, callbacks. */
  readonly rest: string;
}

/** A block as the pieces of its file, and its checksum. @throws RangeError if the state has another length than the shape says */
export function encodeBlock(
  side: BlockSide,
  block: number,
  state: Float32Array,
  shape: BlockShape,
): { pieces: Uint8Array[]; checksum: string } {
  const metadata = { format: BLOCK_FORMAT, version: VERSION, side, block: String(block) };
  const pieces = safetensorsPieces({ state: { dtype: 'F32', shape: [...shape], data: state } }, metadata);
  return { pieces, checksum: fingerprint(state) };
}

/** The longest header of a block accepted, and so the longest file. */
const MAX_HEADER_BYTES = 4096;

/** Bytes of the longest file that a block of this shape can be. */
export function maxBlockBytes([nArrays, nRows, rowStride]: BlockShape): number {
  return 8 + MAX_HEADER_BYTES + 4 * nArrays * nRows * rowStride;
}

/**
 * The inverse of `encodeBlock`: a view of `bytes`, checked.
 * @throws FileFormatError unless it is this block, of this shape, of finite numbers that fit the checksum
 */
export function decodeBlock(
  bytes: Uint8Array,
  side: BlockSide,
  block: number,
  shape: BlockShape,
  checksum: string,
): Float32Array<ArrayBuffer> {
  const { tensors, metadata } = readSafetensors(bytes, { maxHeaderBytes: MAX_HEADER_BYTES });
  const { state, ...others } = tensors;
  if (metadata['format'] !== BLOCK_FORMAT) refuse(`its format is ${quote(metadata['format'] ?? 'not given')}, not ${quote(BLOCK_FORMAT)}`);
  if (metadata['side'] !== side || metadata['block'] !== String(block)) {
    refuse(`it is block ${quote(metadata['block'])} of the ${quote(metadata['side'])}, not block ${block} of the ${side}`);
  }
  if (state === undefined || Object.keys(others).length > 0) refuse('it has not the one tensor state');
  if (state.dtype !== 'F32' || String(state.shape) !== String(shape)) {
    refuse(`its state is ${state.dtype} of the shape [${state.shape}], not F32 of [${shape}]`);
  }
  const data = state.data as Float32Array<ArrayBuffer>;
  if (fingerprint(data) !== checksum) refuse('its content does not fit the checksum in the index');
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) refuse(`state[${i}] is ${data[i]}, not a finite number`);
  return data;
}

/** The text of an index. */
export function encodeIndex(index: BlocksIndex): string {
  return `${JSON.stringify({ format: INDEX_FORMAT, version: VERSION, ...index }, null, 1)}\n`;
}

/** Blocks are numbered in 16 bits; three values each, and a few beside them. */
const INDEX_LIMITS = { maxDepth: 3, maxValues: 2 * 3 * 0x10000 };

/** The inverse of `encodeIndex`. @throws FileFormatError for anything else */
export function decodeIndex(text: string): BlocksIndex {
  const value = parse(text);
  if (!isObject(value)) return refuse('its index is not a JSON object');
  const { format, version, epoch, nArrays, rowStride, rest } = value;
  if (format !== INDEX_FORMAT) {
    return refuse(`the format of its index is ${quote(format ?? 'not given')}, of dotbias ${quote(version)}, not ${quote(INDEX_FORMAT)}`);
  }
  if (!isWhole(epoch, 1, 0xffffffff)) return refuse(`its index is of epoch ${quote(epoch)}`);
  if (!isWhole(nArrays, 1, 3)) return refuse(`its index says nArrays ${quote(nArrays)}`);
  if (!isWhole(rowStride, 4, 2 ** 20)) return refuse(`its index says rowStride ${quote(rowStride)}`);
  if (!isChecksum(rest)) return refuse(`its index says rest ${quote(rest)}, which is no checksum`);
  const users = readEntries(value, 'users');
  const items = readEntries(value, 'items');
  if (users.length !== items.length) return refuse(`its index has ${users.length} blocks of users, but ${items.length} of items`);
  return { epoch, nArrays, rowStride, users, items, rest };
}

function parse(text: string): unknown {
  try {
    return parseJson(text, INDEX_LIMITS);
  } catch (error) {
    return refuse(`its index ${(error as Error).message}`);
  }
}

function readEntries(value: Record<string, unknown>, side: BlockSide): BlockEntry[] {
  const entries = value[side];
  if (!Array.isArray(entries) || entries.length === 0) return refuse(`its index has no list of ${side}`);
  return entries.map((entry: unknown, b) => {
    const { nRows, checksum } = isObject(entry) ? entry : {};
    if (!isWhole(nRows, 0, 0xffffffff) || !isChecksum(checksum)) return refuse(`block ${b} of the ${side} in its index is ${quote(entry)}`);
    return { nRows, checksum };
  });
}

const isChecksum = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);

/**
 * Holds an index to a model that is dealt to blocks.
 *
 * @param model what its sizes are: rows of each block of users and of items, and of a block's shape
 * @throws FileFormatError that names the first difference
 */
export function checkIndex(
  { users, items, nArrays, rowStride }: BlocksIndex,
  model: { users: readonly number[]; items: readonly number[]; nArrays: number; rowStride: number },
): void {
  if (nArrays !== model.nArrays) refuse(`it has ${nArrays} arrays of each block, but the model ${model.nArrays}`);
  if (rowStride !== model.rowStride) refuse(`its rows have ${rowStride} values, but those of the model ${model.rowStride}`);
  for (const [side, entries, wanted] of [['users', users, model.users] as const, ['items', items, model.items] as const]) {
    if (entries.length !== wanted.length) refuse(`it has ${entries.length} blocks of ${side}, but the model ${wanted.length}`);
    const b = entries.findIndex(({ nRows }, block) => nRows !== wanted[block]);
    if (b >= 0) refuse(`block ${b} of its ${side} has ${entries[b].nRows} rows, but that of the model ${wanted[b]}`);
  }
}

function refuse(problem: string): never {
  throw new FileFormatError(`Not a usable checkpoint: ${problem}.`);
}
