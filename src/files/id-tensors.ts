/**
 * Ids and titles as tensors, row by row:
 *
 *     whole numbers   NAME I64 [n]; -1 stands for `#na#`
 *     texts           NAME U8 [bytes], the UTF-8 texts end to end, and NAMEOffsets I64 [n + 1]: text k is the bytes from
 *                     offset k to offset k + 1 (the arrays of Apache Arrow's large_utf8)
 */
import { quote } from '../base/json.js';
import type { Tensor } from '../base/safetensors.js';
import { ascends, type Id, IdMap, isId, NA } from '../data/ids.js';

/** Throws the sentence that this is the end of. */
export type Refuse = (problem: string) => never;

type Tensors = Readonly<Record<string, Tensor>>;

/** The ids of a table's rows: of all, `#na#` first, or of some. */
export function idTensors(name: string, map: IdMap, rows?: Uint32Array): Record<string, Tensor> {
  const n = rows?.length ?? map.size;
  const idAt = (k: number) => map.idOf(rows?.[k] ?? k);
  if (map.isText)
    return textTensors(
      name,
      Array.from({ length: n }, (_, k) => idAt(k) as string),
    );
  return {
    [name]: wholeNumbers(n, (k) => {
      const id = idAt(k);
      return id === NA ? -1 : (id as number);
    }),
  };
}

/** Whole numbers as I64, by halves of 32 bits: BigInts would take ten times as long. */
function wholeNumbers(n: number, valueAt: (k: number) => number): Tensor {
  const data = new BigInt64Array(n);
  const halves = new Int32Array(data.buffer);
  for (let k = 0; k < n; k++) {
    const value = valueAt(k);
    halves[2 * k] = value;
    halves[2 * k + 1] = Math.floor(value / 2 ** 32);
  }
  return { dtype: 'I64', shape: [n], data };
}

/** The inverse of `wholeNumbers`; beyond 2^53 the nearest number. */
function numbersOf({ buffer, byteOffset, length }: BigInt64Array): Float64Array {
  const low = new Uint32Array(buffer, byteOffset, 2 * length);
  const high = new Int32Array(buffer, byteOffset, 2 * length);
  const numbers = new Float64Array(length);
  for (let k = 0; k < length; k++) numbers[k] = low[2 * k] + 2 ** 32 * high[2 * k + 1];
  return numbers;
}

/** One text for each row. A half of a surrogate pair, which UTF-8 cannot write, becomes U+FFFD. */
export function textTensors(name: string, texts: readonly string[]): Record<string, Tensor> {
  const offsets = new Float64Array(texts.length + 1);
  const most = texts.reduce((sum, text) => sum + 3 * text.length, 0);
  const bytes = new Uint8Array(most);
  const encoder = new TextEncoder();
  let end = 0;
  texts.forEach((text, row) => {
    end += encoder.encodeInto(text, bytes.subarray(end)).written;
    offsets[row + 1] = end;
  });
  return {
    [name]: { dtype: 'U8', shape: [end], data: bytes.subarray(0, end) },
    [`${name}Offsets`]: wholeNumbers(offsets.length, (k) => offsets[k]),
  };
}

/** The inverse of `idTensors` of all rows. @param rows what the sentence given to `refuse` calls them */
export function readIdTensors(tensors: Tensors, name: string, rows: string, refuse: Refuse): IdMap {
  return mapOfIds(readIdColumn(tensors, name, refuse), rows, refuse);
}

/** Ids as they are in a file, not yet checked: whole numbers, where -1 stands for `#na#`, or texts. */
export function readIdColumn(tensors: Tensors, name: string, refuse: Refuse): Float64Array | string[] {
  const tensor = tensors[name];
  if (tensor === undefined) return refuse(`the tensor ${name} is missing`);
  if (tensor.dtype === 'U8') return readTextTensors(tensors, name, refuse);
  if (tensor.dtype !== 'I64' || tensor.shape.length !== 1) {
    return refuse(`${name} is ${tensor.dtype} of the shape [${tensor.shape}], not a list of I64 or U8`);
  }
  return numbersOf(tensor.data);
}

/** The ids of all rows of a table, checked. @param rows what the sentence given to `refuse` calls them */
export function mapOfIds(ids: Float64Array | string[], rows: string, refuse: Refuse): IdMap {
  if (!(ids instanceof Float64Array)) return readIds(ids, rows, refuse);
  if (ids[0] !== -1) refuse(`${rows} are not a list of ids that begins with "${NA}"`);
  const bad = ids.findIndex((id, row) => row > 0 && !isId(id));
  if (bad !== -1) refuse(`row ${bad} of ${rows} is ${quote(ids[bad])}, which is not an id`);
  refuseRepeated(ids.subarray(1), rows, refuse);
  return new IdMap(ids.subarray(1));
}

/** The inverse of `textTensors`. */
export function readTextTensors(tensors: Tensors, name: string, refuse: Refuse): string[] {
  const [bytes, offsets] = [tensors[name], tensors[`${name}Offsets`]];
  if (offsets === undefined) return refuse(`the tensor ${name}Offsets is missing`);
  if (bytes.dtype !== 'U8' || offsets.dtype !== 'I64' || bytes.shape.length !== 1 || offsets.shape.length !== 1) {
    return refuse(`${name} and ${name}Offsets are ${bytes.dtype} and ${offsets.dtype}, not lists of U8 and I64`);
  }
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const ends = numbersOf(offsets.data);
  if (ends[0] !== 0 || ends.at(-1) !== bytes.data.length) {
    return refuse(`${name}Offsets goes from ${ends[0]} to ${ends.at(-1)}, but ${name} has the bytes 0 to ${bytes.data.length}`);
  }
  return Array.from(ends.subarray(1), (end, row) => {
    if (end < ends[row]) refuse(`${name}Offsets falls from ${ends[row]} to ${end} in row ${row}`);
    try {
      return utf8.decode(bytes.data.subarray(ends[row], end));
    } catch {
      return refuse(`row ${row} of ${name} is not UTF-8 text`);
    }
  });
}

/** The ids of a table's rows, checked. @param rows what the sentence given to `refuse` calls them */
export function readIds(ids: unknown, rows: string, refuse: Refuse): IdMap {
  if (!Array.isArray(ids) || ids[0] !== NA) return refuse(`${rows} are not a list of ids that begins with "${NA}"`);
  const type = typeof (ids[1] ?? '');
  for (let row = 1; row < ids.length; row++) {
    const id: unknown = ids[row];
    if (!isId(id) || id === NA) refuse(`row ${row} of ${rows} is ${quote(id)}, which is not an id`);
    if (typeof id !== type) refuse(`${rows} are ${type}s, but row ${row} is ${quote(id)}`);
  }
  refuseRepeated(ids.slice(1) as Id[], rows, refuse);
  return new IdMap(ids as Id[]);
}

/** Ours ascend, which shows at once that none is there twice. (A Set ends at 2^24 members.) */
function refuseRepeated(ids: Id[] | Float64Array, rows: string, refuse: Refuse): void {
  if (ascends(ids)) return;
  const sorted = ids.slice().sort();
  for (let k = 1; k < sorted.length; k++) {
    if (sorted[k] === sorted[k - 1]) refuse(`the id ${quote(sorted[k])} occurs twice among ${rows}`);
  }
}
