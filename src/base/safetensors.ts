/**
 * The safetensors format: named arrays in one file, readable by Python's `safetensors` and safe to open from a
 * stranger. Layout, everything little-endian (as are all hosts of WebGPU):
 *
 *     u64 length of the header | header: JSON, UTF-8, may end in spaces | data
 *     header = { "__metadata__": { name: string }, tensor: { "dtype", "shape", "data_offsets": [begin, end] }, ... }
 *
 * Offsets count from the start of the data, which the tensors fill without gap or overlap.
 * Specification: https://github.com/huggingface/safetensors (README, section Format).
 */
import { FileFormatError } from './errors.js';

const arrayTypes = {
  F64: Float64Array,
  I64: BigInt64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  U8: Uint8Array,
};

interface ArrayOf {
  F64: Float64Array;
  I64: BigInt64Array;
  F32: Float32Array;
  I32: Int32Array;
  U32: Uint32Array;
  U8: Uint8Array;
}

/** Element types read and written here; the format knows more. */
export type Dtype = keyof ArrayOf;

/** An array in row-major order; a scalar has shape []. */
export type Tensor = { [D in Dtype]: { dtype: D; shape: number[]; data: ArrayOf[D] } }[Dtype];

/** The format's own limit on the header: 100 MB. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';
const PREFIX_BYTES = 8;

// ---- Writing --------------------------------------------------------------------------------------------------------

/**
 * The bytes of a safetensors file. The same arguments give the same bytes: tensors are stored widest elements first,
 * which keeps each aligned to its element size, then by name.
 * @throws TypeError if an array is not of its dtype or a metadata value is not a string.
 * @throws RangeError if a shape does not fit its array, a name is reserved or not Unicode, or the header is too long.
 */
export function writeSafetensors(tensors: Record<string, Tensor>, metadata?: Record<string, string>): Uint8Array {
  const ordered = Object.entries(tensors).sort(
    ([nameA, a], [nameB, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || (nameA < nameB ? -1 : 1),
  );
  const fields: [string, unknown][] = [];
  if (metadata !== undefined) {
    for (const [key, value] of Object.entries(metadata)) checkMetadata(key, value);
    fields.push([METADATA, metadata]);
  }
  let nBytes = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    checkTensor(name, { dtype, shape, data } as Tensor);
    fields.push([name, { dtype, shape, data_offsets: [nBytes, (nBytes += data.byteLength)] }]);
  }
  // Not JSON.stringify of one object: that would move names like "7" to the front.
  const json = `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const header = new TextEncoder().encode(json);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new RangeError(`The header would take ${headerBytes} bytes; the format allows ${MAX_HEADER_BYTES}.`);
  }

  const file = new Uint8Array(PREFIX_BYTES + headerBytes + nBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(header, PREFIX_BYTES);
  file.fill(0x20, PREFIX_BYTES + header.length, PREFIX_BYTES + headerBytes);
  let at = PREFIX_BYTES + headerBytes;
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

function checkTensor(name: string, { dtype, shape, data }: Tensor): void {
  checkName(name);
  if (name === METADATA) throw new RangeError(`A tensor cannot be called ${METADATA}: the name is reserved.`);
  if (!isDtype(dtype)) throw new TypeError(`Tensor ${quote(name)} has the unknown dtype ${quote(dtype)}.`);
  if (!(data instanceof arrayTypes[dtype])) {
    throw new TypeError(`Tensor ${quote(name)} is declared ${dtype}, which needs a ${arrayTypes[dtype].name}.`);
  }
  if (nElements(shape) !== data.length) {
    throw new RangeError(`Tensor ${quote(name)}: shape [${shape}] does not fit its ${data.length} elements.`);
  }
}

function checkMetadata(key: string, value: unknown): void {
  checkName(key);
  if (typeof value !== 'string') throw new TypeError(`Metadata ${quote(key)} must be a string, not ${typeof value}.`);
  if (hasLoneSurrogate(value)) throw new RangeError(`Metadata ${quote(key)} is not valid Unicode.`);
}

function checkName(name: string): void {
  if (name === '__proto__') throw new RangeError('The name __proto__ is not allowed.');
  if (hasLoneSurrogate(name)) throw new RangeError(`The name ${quote(name)} is not valid Unicode.`);
}

/** Half of a surrogate pair has no UTF-8 form, and other readers refuse its escape. */
function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

// ---- Reading --------------------------------------------------------------------------------------------------------

/** Content of a safetensors file. */
export interface SafetensorsFile {
  /** By name. Without a prototype, so a name that the file does not have is undefined whatever it is. */
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
}

/**
 * Reads a safetensors file. The arrays are views of `bytes`, copied only where they are not aligned to their element
 * size, so no header can make this allocate more than the file is long.
 * @param options.maxHeaderBytes longest header accepted, default 100 MB (the format's limit)
 * @throws FileFormatError for anything that is not a whole and unambiguous safetensors file of the dtypes known here.
 */
export function readSafetensors(bytes: Uint8Array, options: { maxHeaderBytes?: number } = {}): SafetensorsFile {
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

/** The header's text. */
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

/** The header's content, typed; sizes are checked against each other but not yet against the file. */
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

/** Keys written in a valid JSON text, equal ones included (JSON.parse keeps the last): strings that a colon follows. */
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

// ---- Both -----------------------------------------------------------------------------------------------------------

/** Product of the shape; NaN if a dimension is not a size, and not a safe integer if the product is too large. */
function nElements(shape: readonly number[]): number {
  let n = 1;
  for (const size of shape) {
    n *= isSize(size) ? size : NaN;
    if (!Number.isSafeInteger(n)) return NaN;
  }
  return n;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(arrayTypes, value);
}

/** A JSON object, not null or a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as JSON, cut short for a message; nested ones, which may be too deep to walk, are only named. */
export function quote(value: unknown): string {
  const parts = Array.isArray(value) ? value : [value];
  if (parts.some((part) => typeof part === 'object' && part !== null)) return 'something nested';
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 80)}...` : json;
}
