/** Reads safetensors files of any origin; the format is described in safetensors.ts. */
import { FileFormatError } from './errors.js';
import { countJson, isObject, parseJson, quote } from './json.js';
import {
  arrayTypes,
  type Dtype,
  isDtype,
  isSizes,
  MAX_HEADER_BYTES,
  METADATA,
  nElements,
  PREFIX_BYTES,
  type Tensor,
} from './safetensors-format.js';

/** The content of a safetensors file. Neither record has a prototype: whatever name the file lacks is undefined. */
export interface SafetensorsFile {
  /** By name. */
  tensors: Record<string, Tensor>;
  /** Texts by name. */
  metadata: Record<string, string>;
}

/** What is read of a safetensors file. */
export interface SafetensorsLimits {
  /** The longest header accepted. Default 100 MB, the limit of the format. */
  maxHeaderBytes?: number | undefined;
}

/**
 * Reads a safetensors file. The arrays are views of `bytes`, copied only where they are not aligned to their element
 * size, so no header can make this allocate more than the file is long.
 *
 * @param bytes the whole file
 * @throws FileFormatError for anything but a whole and unambiguous safetensors file of the dtypes known here
 */
export function readSafetensors(bytes: Uint8Array, limits: SafetensorsLimits = {}): SafetensorsFile {
  const dataStart = headBytes(bytes, bytes.length, limits);
  const { metadata, entries } = checkHead(bytes.subarray(0, dataStart), bytes.length);

  const tensors: Record<string, Tensor> = Object.create(null);
  for (const { name, dtype, shape, begin, end } of entries) {
    const ArrayType = arrayTypes[dtype];
    const size = ArrayType.BYTES_PER_ELEMENT;
    const view = bytes.subarray(dataStart + begin, dataStart + end);
    const { buffer, byteOffset } = view.byteOffset % size === 0 ? view : new Uint8Array(view);
    const data = new ArrayType(buffer as ArrayBuffer, byteOffset, (end - begin) / size);
    tensors[name] = { dtype, shape, data } as Tensor;
  }
  return { tensors, metadata };
}

/**
 * How far the header of a file reaches, where its data begin.
 *
 * @param prefix the file's first bytes, at least `PREFIX_BYTES` if it has so many
 * @param nBytes of the whole file
 * @throws FileFormatError if that is longer than the file, or than is accepted
 */
export function headBytes(prefix: Uint8Array, nBytes: number, { maxHeaderBytes = MAX_HEADER_BYTES }: SafetensorsLimits = {}): number {
  if (nBytes < PREFIX_BYTES) throw new FileFormatError(`Not a safetensors file: it has only ${nBytes} bytes.`);
  const declared = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  const claim = `its header claims ${declared} bytes`;
  if (declared > BigInt(maxHeaderBytes)) {
    throw new FileFormatError(`Not a safetensors file: ${claim}, more than the ${maxHeaderBytes} accepted.`);
  }
  const dataStart = PREFIX_BYTES + Number(declared);
  if (dataStart > nBytes) {
    throw new FileFormatError(`The safetensors file is truncated: ${claim}, but only ${nBytes - PREFIX_BYTES} follow.`);
  }
  return dataStart;
}

/**
 * Checks all that a file says of itself against its length, before the rest of it need be read.
 *
 * @param head the file up to its data
 * @param nBytes of the whole file
 * @throws FileFormatError as `readSafetensors`
 */
export function checkHead(head: Uint8Array, nBytes: number): { metadata: Record<string, string>; entries: Entry[] } {
  const header = checkHeader(decodeHeader(head.subarray(PREFIX_BYTES)));
  checkTiling(header.entries, nBytes - head.length);
  return header;
}

function decodeHeader(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FileFormatError('Not a safetensors file: its header is not UTF-8 text.', { cause });
  }
}

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

/** The header's content. Sizes are checked against each other, but not yet against the file. */
function checkHeader(text: string): { metadata: Record<string, string>; entries: Entry[] } {
  const value = parseHeader(text);
  if (!text.startsWith('{') || !isObject(value)) {
    throw new FileFormatError('Not a safetensors file: its header is not a JSON object.');
  }
  const metadata: Record<string, string> = Object.create(null);
  const entries: Entry[] = [];
  for (const [name, field] of Object.entries(value)) {
    refuseProto(name);
    if (name !== METADATA) {
      entries.push(checkEntry(name, field));
      continue;
    }
    if (!isObject(field)) throw new FileFormatError(`The safetensors field ${METADATA} is not an object.`);
    for (const [key, item] of Object.entries(field)) {
      refuseProto(key);
      if (typeof item !== 'string') {
        throw new FileFormatError(`The safetensors metadata ${quote(key)} is not a string.`);
      }
      metadata[key] = item;
    }
  }
  const nKeys = Object.keys(value).length + Object.keys(metadata).length + entries.length * ENTRY_FIELDS.length;
  if (countJson(text).nKeys !== nKeys) throw new FileFormatError('The safetensors header names something twice.');
  return { metadata, entries };
}

/** A header has objects of objects of lists. A tensor takes some ten values; no model has a hundred thousand tensors. */
const HEADER_LIMITS = { maxDepth: 3, maxValues: 1_000_000 };

function parseHeader(text: string): unknown {
  try {
    return parseJson(text, HEADER_LIMITS);
  } catch (cause) {
    throw new FileFormatError(`Not a safetensors file: its header ${(cause as Error).message}.`, { cause });
  }
}

const ENTRY_FIELDS = ['dtype', 'shape', 'data_offsets'];

function checkEntry(name: string, field: unknown): Entry {
  const fail = (problem: string) => new FileFormatError(`Tensor ${quote(name)} of the safetensors file ${problem}.`);
  if (!isObject(field)) throw fail('is not described by an object');
  const keys = Object.keys(field);
  if (keys.length !== ENTRY_FIELDS.length || !ENTRY_FIELDS.every((key) => keys.includes(key))) {
    throw fail(`must have the fields ${ENTRY_FIELDS.join(', ')} and no others`);
  }
  const { dtype, shape, data_offsets: offsets } = field;
  if (!isDtype(dtype)) throw fail(`has dtype ${quote(dtype)}; known are ${Object.keys(arrayTypes).join(', ')}`);
  if (!isSizes(shape)) throw fail(`has shape ${quote(shape)}, which is not a list of whole numbers of at least 0`);
  if (!isSizes(offsets) || offsets.length !== 2) throw fail(`has data_offsets ${quote(offsets)}, not [begin, end]`);
  const [begin, end] = offsets;
  const expected = nElements(shape) * arrayTypes[dtype].BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(expected)) throw fail(`has shape ${quote(shape)}, which is too large`);
  if (end - begin !== expected) {
    throw fail(`spans ${end - begin} bytes, but ${dtype} of shape ${quote(shape)} needs ${expected}`);
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors must fill the data exactly: no gap, no overlap, nothing missing, nothing left over. */
function checkTiling(entries: readonly Entry[], nBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const where = `tensor ${quote(name)} has bytes ${begin} to ${end}`;
    if (end > nBytes) throw new FileFormatError(`The safetensors file is truncated: ${where} of only ${nBytes}.`);
    if (begin !== at) {
      const problem = begin < at ? 'overlap' : 'leave a gap';
      throw new FileFormatError(`Tensors of the safetensors file ${problem}: ${where}, but byte ${at} comes next.`);
    }
    at = end;
  }
  if (at < nBytes) throw new FileFormatError(`The safetensors file has ${nBytes - at} bytes after its last tensor.`);
}

function refuseProto(name: string): void {
  if (name === '__proto__') throw new FileFormatError('The safetensors header uses the forbidden name __proto__.');
}
