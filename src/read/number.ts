/** Numbers from the bytes of a field. */
const ZERO = 48;
const DOT = 46;
const POWERS = Float64Array.from({ length: 16 }, (_, k) => 10 ** k);
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The number that the bytes from `start` to `end` write in decimal, with spaces around it or not; NaN if they write none, or
 * one that is not finite.
 */
export function parseNumber(bytes: Uint8Array, start: number, end: number): number {
  // At most 15 digits, divided by a power of ten: both are exact, so that the quotient is rounded once, as Number rounds.
  if (end - start > 16 || end === start) return parseText(bytes, start, end);
  let value = 0;
  let decimals = -1;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = 10 * value + digit;
      if (decimals >= 0) decimals++;
    } else if (bytes[at] === DOT && decimals < 0) decimals = 0;
    else return parseText(bytes, start, end);
  }
  if (decimals < 0 ? end - start > 15 : end - start === 1) return parseText(bytes, start, end);
  return decimals > 0 ? value / POWERS[decimals] : value;
}

function parseText(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 400) return NaN;
  const text = String.fromCharCode(...bytes.subarray(start, end)).trim();
  const value = PLAIN.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : NaN;
}
