import { fmix32 } from './random.js';

/**
 * A 64-bit hash of arrays, as 16 hexadecimal digits: the same for the same bytes on any little-endian host (all hosts of
 * WebGPU are). It tells data apart and finds accidental damage; it does not protect against deliberate changes.
 *
 * Two lanes, each MurmurHash3's body and finaliser (Appleby 2011, public domain) with a seed of its own, run over the
 * 32-bit words of every array. The last word is padded with zeros, and a further word holds the array's length in bytes.
 */
export function fingerprint(...arrays: readonly ArrayBufferView[]): string {
  let a = 0x2f0b4a6d;
  let b = 0x7c15d9e3;
  const absorb = (word: number) => {
    let k = Math.imul(word, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    a ^= k;
    a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
    k = Math.imul(word, 0x239b961b);
    k = Math.imul((k << 16) | (k >>> 16), 0xab0e9789);
    b ^= k;
    b = (Math.imul((b << 17) | (b >>> 15), 5) + 0x561ccd1b) | 0;
  };
  for (const { buffer, byteOffset, byteLength } of arrays) {
    // A word array needs an aligned start; a copy has one, and room for the last word.
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const words =
      byteOffset % 4 === 0 ? new Uint32Array(buffer, byteOffset, byteLength >>> 2) : wordsOf(bytes.subarray(0, byteLength & ~3));
    for (let i = 0; i < words.length; i++) absorb(words[i]);
    if (byteLength % 4 > 0) absorb(wordsOf(bytes.subarray(byteLength & ~3))[0]);
    absorb(byteLength);
  }
  return [a, b].map((lane) => (fmix32(lane) >>> 0).toString(16).padStart(8, '0')).join('');
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const copy = new Uint8Array(4 * Math.ceil(bytes.length / 4));
  copy.set(bytes);
  return new Uint32Array(copy.buffer);
}

/** The fingerprint of a text, of its UTF-8 bytes. */
export function fingerprintText(text: string): string {
  return fingerprint(new TextEncoder().encode(text));
}
