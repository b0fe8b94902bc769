/** Values written as the fields of a row of text, so that typed tables and JSON are read by the rules of text. */
export class Cells {
  starts = new Int32Array(32);
  ends = new Int32Array(32);
  #bytes = new Uint8Array(1 << 10);
  readonly #encoder = new TextEncoder();

  /** The bytes of all fields; `starts` and `ends` say where each lies. Null, undefined and objects are empty fields. */
  write(values: readonly unknown[]): Uint8Array {
    if (values.length > this.starts.length) {
      this.starts = new Int32Array(values.length);
      this.ends = new Int32Array(values.length);
    }
    let at = 0;
    for (let k = 0; k < values.length; k++) {
      this.starts[k] = at;
      const value = typeof values[k] === 'bigint' ? exact(values[k] as bigint) : values[k];
      if (Number.isSafeInteger(value) && (value as number) >= 0) at = this.#digits(value as number, at);
      else if (value !== null && typeof value !== 'object' && value !== undefined) at = this.#text(String(value), at);
      this.ends[k] = at;
    }
    return this.#bytes;
  }

  #digits(value: number, at: number): number {
    this.#reserve(at + 16);
    let size = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) size++;
    for (let k = at + size - 1, rest = value; k >= at; k--) {
      const tens = Math.floor(rest / 10);
      this.#bytes[k] = 48 + (rest - 10 * tens);
      rest = tens;
    }
    return at + size;
  }

  #text(text: string, at: number): number {
    this.#reserve(at + 3 * text.length);
    return at + this.#encoder.encodeInto(text, this.#bytes.subarray(at)).written;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * size);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** The same whole number, as a number where that is exact. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
