/**
 * Texts and their codes 0, 1, ... in the order of their first appearance, looked up by UTF-8 bytes: no string is made for
 * a text that is known. A hash table with open addressing over one array of all bytes.
 */
export class TextTable {
  /** The texts by code. */
  readonly texts: string[] = [];
  #slots = new Int32Array(1 << 12).fill(-1);
  #hashes = new Int32Array(1 << 11);
  /** Where the bytes of each code begin, and after the last, where they end. */
  #starts = new Float64Array((1 << 11) + 1);
  #bytes = new Uint8Array(1 << 16);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readonly #encoder = new TextEncoder();

  /** Code of the text from `start` to `end`, -1 if it is not UTF-8. */
  code(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5; // FNV-1a
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (; this.#slots[slot] !== -1; slot = (slot + 1) & mask) {
      const code = this.#slots[slot];
      if (this.#hashes[code] === hash && this.#equals(code, bytes, start, end)) return code;
    }
    return this.#add(slot, hash, bytes, start, end);
  }

  /** Code of a text, -1 if it holds half a surrogate pair. */
  codeOf(text: string): number {
    const bytes = this.#encoder.encode(text);
    const code = this.code(bytes, 0, bytes.length);
    return this.texts[code] === text ? code : -1;
  }

  #equals(code: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[code];
    if (this.#starts[code + 1] - from !== end - start) return false;
    for (let k = 0; k < end - start; k++) if (this.#bytes[from + k] !== bytes[start + k]) return false;
    return true;
  }

  #add(slot: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
    const code = this.texts.length;
    try {
      this.texts.push(this.#decoder.decode(bytes.subarray(start, end)));
    } catch {
      return -1;
    }
    const from = this.#starts[code];
    const to = from + end - start;
    if (to > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(Math.max(to, 2 * this.#bytes.length)));
    this.#bytes.set(bytes.subarray(start, end), from);
    this.#hashes[code] = hash;
    this.#starts[code + 1] = to;
    this.#slots[slot] = code;
    if (2 * this.texts.length === this.#slots.length) this.#grow();
    return code;
  }

  /** Doubles the slots, of which at most half are taken. */
  #grow(): void {
    const size = 2 * this.#slots.length;
    this.#hashes = grown(this.#hashes, new Int32Array(size / 2));
    this.#starts = grown(this.#starts, new Float64Array(size / 2 + 1));
    this.#slots = new Int32Array(size).fill(-1);
    for (let code = 0; code < this.texts.length; code++) {
      let slot = this.#hashes[code] & (size - 1);
      while (this.#slots[slot] !== -1) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = code;
    }
  }
}

/** `larger`, beginning with the values of `array`. */
function grown<T extends Uint8Array | Int32Array | Float32Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}
