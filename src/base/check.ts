/**
 * Checks of arguments: each throws one sentence that says which argument is wrong, what it is and what it may be.
 */

/** The most training steps that one schedule, and so one fit, may have. */
export const MAX_STEPS = 10_000_000;

/** @throws RangeError unless `value` is a whole number from `least` to `most` */
export function checkWhole(name: string, value: unknown, least = 1, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const allowed = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(`${name} must be a whole number ${allowed}, not ${show(value)}.`);
}

/** A seed is a 32-bit number. @throws RangeError unless it is a whole number from 0 to 2^32 - 1 */
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

/** @throws RangeError unless `value` lies in [0, 1), as a share or a momentum does */
export function checkShare(name: string, value: unknown): void {
  if (!(typeof value === 'number' && value >= 0 && value < 1)) {
    throw new RangeError(`${name} must lie in [0, 1), not ${show(value)}.`);
  }
}

/** @throws RangeError unless `value` is one of `choices` */
export function checkChoice<T>(name: string, value: unknown, choices: readonly T[]): asserts value is T {
  if (choices.includes(value as T)) return;
  const listed = choices.map(show);
  throw new RangeError(`${name} must be ${[listed.slice(0, -1).join(', '), ...listed.slice(-1)].filter(Boolean).join(' or ')}, not ${show(value)}.`);
}

/** @throws RangeError unless `range` is two finite numbers, the lower first */
export function checkRange(name: string, range: unknown): void {
  if (isRange(range)) return;
  throw new RangeError(`${name} must be two finite numbers, lo < hi, not ${Array.isArray(range) ? `[${range.map(show).join(', ')}]` : show(range)}.`);
}

/** Two finite numbers, the lower first. */
export function isRange(value: unknown): value is readonly [lo: number, hi: number] {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] < value[1];
}

/**
 * Refuses options that do not exist: a misspelt name would otherwise be ignored in silence.
 *
 * @param of what takes the options, such as `collabLearner`
 * @throws TypeError naming the option and, if one is close, the option that was probably meant
 */
export function checkOptions(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${of}: the options must be an object, not ${show(options)}.`);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const meant = closest(name, known);
    throw new TypeError(`${of} has no option ${show(name)}; ${meant === undefined ? `it has ${known.join(', ')}` : `did you mean ${meant}?`}${meant === undefined ? '.' : ''}`);
  }
}

/** The name that is spelt like `name`, or nearly so. */
function closest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const ranked = known.map((each) => ({ each, distance: editDistance(plain(name), plain(each)) })).sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(name.length / 4)) ? best.each : undefined;
}

/** Insertions, deletions and substitutions that turn one text into the other (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** A value as messages quote it. */
export function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value === 'bigint' ? `${value}n` : String(value);
}
