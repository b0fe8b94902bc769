/** Text in any encoding, as UTF-8. */
import { show } from '../base/check.js';
import { DataError } from '../base/errors.js';

const MARKS: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** @throws RangeError for an encoding that `TextDecoder` does not know */
export function checkEncoding(encoding: string | undefined): void {
  try {
    void new TextDecoder(encoding);
  } catch {
    throw new RangeError(`encoding must be a name such as utf-8, latin1 or utf-16le, not ${show(encoding)}.`);
  }
}

/**
 * The chunks as UTF-8, without a byte order mark. UTF-8 itself is passed on as it is: whether a field is valid shows where
 * it is used.
 *
 * @throws DataError if the text is not of the encoding, for all but UTF-8
 */
export async function* toUtf8(chunks: AsyncIterable<Uint8Array>, label: string, encoding = 'utf-8'): AsyncGenerator<Uint8Array> {
  let decode: ((chunk?: Uint8Array) => Uint8Array) | undefined;
  let head: Uint8Array | undefined = new Uint8Array(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield decode ? decode(chunk) : chunk;
      continue;
    }
    head = joined(head, chunk);
    if (head.length < 3) continue; // too short to hold a mark
    [decode, head] = begin(head, label, encoding);
    yield decode ? decode(head) : head;
    head = undefined;
  }
  if (head !== undefined) {
    [decode, head] = begin(head, label, encoding);
    yield decode ? decode(head) : head;
  }
  if (decode) yield decode();
}

/** The decoder that is needed, none for UTF-8, and the first bytes without their mark. */
function begin(head: Uint8Array, label: string, encoding: string): [((chunk?: Uint8Array) => Uint8Array) | undefined, Uint8Array] {
  const found = MARKS.find(([, mark]) => mark.every((byte, k) => head[k] === byte));
  const named = found?.[0] ?? encoding;
  const text = found ? head.subarray(found[1].length) : head;
  const decoder = new TextDecoder(named, { fatal: true });
  if (decoder.encoding === 'utf-8') return [undefined, text];
  const encoder = new TextEncoder();
  const decode = (chunk?: Uint8Array): Uint8Array => {
    try {
      return encoder.encode(chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode());
    } catch (error) {
      throw new DataError(`The text is not ${decoder.encoding}; name its encoding.`, { file: label }, { cause: error });
    }
  };
  return [decode, text];
}

/** Both, one after the other, in memory of their own. */
export function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
