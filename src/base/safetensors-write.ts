/** Writes safetensors files; the format is described in safetensors.ts. */
import { quote } from './json.js';
import { arrayTypes, isDtype, MAX_HEADER_BYTES, METADATA, nElements, PREFIX_BYTES, type Tensor } from './safetensors-format.js';

/**
 * The bytes of a safetensors file. The same arguments give the same bytes: the tensors of the widest elements are stored
 * first, which keeps each aligned to its element size, and those of equal width by name.
 *
 * @param tensors by name; each array is as long as its shape says
 * @param metadata texts by name. Default: none
 * @throws TypeError if an array is not of its dtype or a metadata value is not a string
 * @throws RangeError if a shape does not fit its array, a name is reserved or not Unicode, the header is longer than
 *   100 MB, or the file longer than one array can be
 */
export function writeSafetensors(tensors: Record<string, Tensor>, metadata?: Record<string, string>): Uint8Array {
  const pieces = safetensorsPieces(tensors, metadata);
  const nBytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const file = allocate(nBytes);
  let at = 0;
  for (const piece of pieces) {
    file.set(piece, at);
    at += piece.length;
  }
  return file;
}

function allocate(nBytes: number): Uint8Array {
  try {
    return new Uint8Array(nBytes);
  } catch (cause) {
    throw new RangeError(`A file of ${nBytes} bytes is larger than one array can be here.`, { cause });
  }
}

/**
 * The file of `writeSafetensors` in pieces to be written one after the other: its header, and the tensors' own memory, of which
 * nothing is copied. The file may be larger than any array. @throws as `writeSafetensors`
 */
export function safetensorsPieces(tensors: Record<string, Tensor>, metadata?: Record<string, string>): Uint8Array[] {
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
  const head = new Uint8Array(PREFIX_BYTES + headerBytes).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerBytes), true);
  head.set(header, PREFIX_BYTES);
  return [head, ...ordered.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

function checkTensor(name: string, { dtype, shape, data }: Tensor): void {
  checkName(name);
  if (name === METADATA) throw new RangeError(`A tensor cannot be called ${METADATA}: the name is reserved.`);
  if (!isDtype(dtype)) throw new TypeError(`Tensor ${quote(name)} has the unknown dtype ${quote(dtype)}.`);
  if (!(data instanceof arrayTypes[dtype])) {
    throw new TypeError(`Tensor ${quote(name)} is declared ${dtype}, so its data must be of type ${arrayTypes[dtype].name}.`);
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
