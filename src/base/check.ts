/**
 * Checks of arguments, each in one place. A check that fails throws one sentence: which argument is wrong, what it may be,
 * and what it is.
 */

/** The most training steps of one schedule, and so of one fit: schedules hold 16 bytes a step. */
export const MAX_STEPS = 10_000_000;

/** @throws RangeError unless `value` is a whole number from `least` (default 1) to `most` (default 2^53 - 1) */
export function checkWhole(name: string, value: unknown, least = 1, most = Number.MAX_SAFE_INTEGER): void {
  if (isWhole(value, least, most)) return;
  const allowed = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${name} must be a whole number ${allowed}, not ${show(value)}.`);
}

/** Whether `value` is a whole number from `least` to `most`. */
export function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** @throws RangeError unless `seed` is a 32-bit number: a whole number from 0 to 2^32 - 1 */
export function checkSeed(seed: unknown, name = 'seed'): void {
  checkWhole(name, seed, 0, 0xffffffff);
}

/** @throws RangeError unless `value` is a finite number above 0 */
export function checkPositive(name: string, value: unknown): void {
  if (!(typeof value === 'number' && value > 0 && value < Infinity)) {
    throw new RangeError(`${name} must be a positive number, not ${show(value)}.`);
  }
}

/** @throws RangeError unless `value` is a finite number of at least 0 */
export function checkNotNegative(name: string, value: unknown): void {
  if (!(typeof value === 'number' && value >= 0 && value < Infinity)) {
    throw new RangeError(`${name} must be a number of at least 0, not ${show(value)}.`);
  }
}

/** @throws RangeError unless `value` lies in [0, 1), as the share held out for validation and a momentum do */
export function checkShare(name: string, value: unknown): void {
  if (!isShare(value)) throw new RangeError(`${name} must lie in [0, 1), not ${show(value)}.`);
}

/** Whether `value` lies in [0, 1). */
export function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1;
}

/** @throws RangeError unless `value` is one of `choices` */
export function checkChoice<T>(name: string, value: unknown, choices: readonly T[]): asserts value is T {
  if (choices.includes(value as T)) return;
  const listed = choices.map(show);
  const last = listed.pop();
  throw new RangeError(`${name} must be ${listed.length > 0 ? `${listed.join(', ')} or ${last}` : last}, not ${show(value)}.`);
}

/** @throws RangeError unless `range` is two numbers, the lower first, as `isRange` says */
export function checkRange(name: string, range: unknown): void {
  if (isRange(range)) return;
  const isPair = Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] < range[1];
  const wanted = isPair ? 'two numbers of at most 1e18 that differ in float32' : 'two finite numbers, lo < hi';
  throw new RangeError(`${name} must be ${wanted}, not ${show(range)}.`);
}

/** The square of a larger number, and so its loss, would be no float32. */
const MAX_BOUND = 1e18;

/** Whether `value` is two numbers up to `MAX_BOUND`, the lower first, also in float32. */
export function isRange(value: unknown): value is readonly [lo: number, hi: number] {
  if (!Array.isArray(value) || value.length !== 2 || !value.every(Number.isFinite)) return false;
  return Math.max(...value.map(Math.abs)) <= MAX_BOUND && Math.fround(value[0]) < Math.fround(value[1]);
}

/**
 * Refuses options that do not exist, because a misspelt one would be ignored in silence.
 *
 * @param of what takes the options, such as `collabLearner`
 * @throws TypeError that names the option and, if one is spelt nearly so, the one that was probably meant
 */
export function checkOptions(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${of}: the options must be an object, not ${show(options)}.`);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const meant = closest(name, known);
    const help = meant === undefined ? `it has ${known.join(', ')}.` : `did you mean ${meant}?`;
    throw new TypeError(`${of} has no option ${show(name)}; ${help}`);
  }
}

/** The known name that differs from `name` only in case, punctuation or about one letter in four. */
export function closest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 4)) + 1;
  for (const each of known) {
    const distance = editDistance(plain(name), plain(each));
    if (distance < least) [best, least] = [each, distance];
  }
  return best;
}

/**
 * The least number of insertions, deletions, substitutions and swaps of neighbours that turn one text into the other
 * (Damerau 1964; no part is edited twice).
 */
function editDistance(a: string, b: string): number {
  const distance = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= b.length; j++) distance[0][j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const changed = distance[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? distance[i - 2][j - 2] + 1 : Infinity;
      distance[i][j] = Math.min(changed, swapped, distance[i - 1][j] + 1, distance[i][j - 1] + 1);
    }
  }
  return distance[a.length][b.length];
}

/** A value as messages quote it: 'text', 7, 7n, [1, 2]; other objects are only named. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** At most 60 characters of a text, for a message. */
export function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Whether `value` is bytes, of this or another realm: test runners such as Jest have one of their own. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]';
}
