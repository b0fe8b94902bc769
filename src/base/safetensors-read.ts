/** Reads safetensors files of any origin; the format is described in safetensors.ts. */
import { FileFormatError } from './errors.js';
import { isObject, quote } from './json.js';
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

/**
 * Reads a safetensors file. The arrays are views of `bytes`, copied only where they are not aligned to their element
 * size, so no header can make this allocate more than the file is long.
 *
 * @param bytes the whole file
 * @param options.maxHeaderBytes the longest header accepted. Default 100 MB, the limit of the format
 * @throws FileFormatError for anything but a whole and unambiguous safetensors file of the dtypes known here
 */
export function readSafetensors(bytes: Uint8Array, options: { maxHeaderBytes?: number | undefined } = {}): SafetensorsFile {
  const { header, dataStart } = readHeader(bytes, options.maxHeaderBytes ?? MAX_HEADER_BYTES);
  const { metadata, entries } = checkHeader(header);
  checkTiling(entries, bytes.length - dataStart);

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

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

/** The header's text, and where the data begin. */
function readHeader(bytes: Uint8Array, maxHeaderBytes: number): { header: string; dataStart: number } {
  if (bytes.length < PREFIX_BYTES) {
    throw new FileFormatError(`Not a safetensors file: it has only ${bytes.length} bytes.`);
  }
  const declared = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const claim = `its header claims ${declared} bytes`;
  if (declared > BigInt(maxHeaderBytes)) {
    throw new FileFormatError(`Not a safetensors file: ${claim}, more than the ${maxHeaderBytes} accepted.`);
  }
  const dataStart = PREFIX_BYTES + Number(declared);
  if (dataStart > bytes.length) {
    throw new FileFormatError(`The safetensors file is truncated: ${claim}, but only ${bytes.length - PREFIX_BYTES} follow.`);
  }
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { header: utf8.decode(bytes.subarray(PREFIX_BYTES, dataStart)), dataStart };
  } catch (cause) {
    throw new FileFormatError('Not a safetensors file: its header is not UTF-8 text.', { cause });
  }
}

/** The header's content. Sizes are checked against each other, but not yet against the file. */
function checkHeader(text: string): { metadata: Record<string, string>; entries: Entry[] } {
  const value = parseJson(text);
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
  if (countKeys(text) !== nKeys) throw new FileFormatError('The safetensors header names something twice.');
  return { metadata, entries };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileFormatError('Not a safetensors file: its header is not JSON.', { cause });
  }
}

/** Number of keys in a valid JSON text, equal ones counted again (JSON.parse keeps the last): strings before a colon. */
function countKeys(text: string): number {
  let nKeys = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '"') continue;
    while (text[++i] !== '"') if (text[i] === '\\') i++;
    while (' \t\r\n'.includes(text[i + 1])) i++;
    if (text[i + 1] === ':') nKeys++;
  }
  return nKeys;
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
