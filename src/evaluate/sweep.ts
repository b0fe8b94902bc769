/**
 * A search over settings: which trials a sweep consists of, who does which, and which was best. A sweep is a plain object,
 * as JSON has it:
 *
 *     { "base":   { "epochs": 5, "protocol": "kfold" },
 *       "grid":   { "lr": [0.003, 0.01], "wd": [0.05, 0.1, 0.2] },
 *       "random": { "trials": 20, "seed": 1, "options": { "factors": { "integer": [10, 100] }, "lr": { "logUniform": [1e-3, 3e-2] } } } }
 *
 * Each combination of the grid is tried with each random draw; both may be left out. Which settings there are is the
 * caller's matter.
 */
import { DotbiasError } from '../base/errors.js';
import { fingerprintText } from '../base/fingerprint.js';
import { hash32 } from '../base/random.js';

export type Setting = string | number | boolean | null | readonly (string | number)[];
export type Settings = Readonly<Record<string, Setting>>;

/** A sweep that makes no sense; `where` is the place in it, such as `grid.lr[1]`. */
export class SweepError extends DotbiasError {
  constructor(
    readonly where: string,
    problem: string,
  ) {
    super(`${where === '' ? 'The sweep' : where} ${problem}`);
  }
}

/** Throws RangeError or TypeError, saying what is wrong, for a name that is no setting or a value that it cannot have. */
export type CheckSetting = (name: string, value: Setting) => void;

/**
 * The settings of each trial, in a fixed order. A sweep that grows, by more values in a grid or by more random draws, has
 * the trials that it had among the new ones.
 *
 * @throws SweepError for anything that is not a sweep, with its place
 */
export function planSweep(sweep: unknown, check: CheckSetting = () => undefined): Settings[] {
  const { base = {}, grid = {}, random } = fields(sweep, '', ['base', 'grid', 'random']);
  const named = (name: string, value: unknown, where: string) => {
    try {
      check(name, value as Setting);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      throw new SweepError(where, `cannot be ${JSON.stringify(value)}: ${error.message}`);
    }
    return value as Setting;
  };

  const common = fields(base, 'base');
  for (const [name, value] of Object.entries(common)) named(name, value, `base.${name}`);
  const lists = Object.entries(fields(grid, 'grid')).map(([name, values]) => {
    const where = `grid.${name}`;
    if (!Array.isArray(values) || values.length === 0)
      throw new SweepError(where, `must be a list of the values to try, not ${JSON.stringify(values)}.`);
    return values.map((value, i) => ({ [name]: named(name, value, `${where}[${i}]`) }));
  });
  const combinations = lists.reduce<Settings[]>(
    (all, list) => all.flatMap((settings) => list.map((one) => ({ ...settings, ...one }))),
    [{}],
  );
  const draws = random === undefined ? [{}] : drawSettings(random, named);
  for (const name of Object.keys(draws[0])) {
    if (name in combinations[0]) throw new SweepError(`random.options.${name}`, 'is in the grid too; it can be in one of them only.');
  }
  return combinations.flatMap((settings) => draws.map((draw) => ({ ...common, ...settings, ...draw }) as Settings));
}

type Named = (name: string, value: unknown, where: string) => Setting;

function drawSettings(random: unknown, named: Named): Settings[] {
  const { trials, seed = 42, options } = fields(random, 'random', ['trials', 'seed', 'options']);
  if (!isWhole(trials) || trials < 1)
    throw new SweepError('random.trials', `must be a whole number of at least 1, not ${JSON.stringify(trials)}.`);
  if (!isWhole(seed) || seed < 0 || seed > 0xffffffff)
    throw new SweepError('random.seed', `must be a whole number from 0 to 4294967295, not ${JSON.stringify(seed)}.`);
  const draws = Object.entries(fields(options, 'random.options')).map(([name, range]) => {
    const where = `random.options.${name}`;
    const draw = distribution(range, where);
    // A stream of its own for each setting: that another is added changes nothing here.
    const stream = parseInt(fingerprintText(name).slice(0, 8), 16);
    for (const u of [0, 1 - 2 ** -32]) named(name, draw(u), where);
    return (trial: number) => ({ [name]: draw(hash32(seed, stream, trial, 0) / 2 ** 32) });
  });
  if (draws.length === 0) throw new SweepError('random.options', 'names nothing to draw.');
  return Array.from({ length: trials }, (_, trial) => Object.assign({}, ...draws.map((draw) => draw(trial))) as Settings);
}

/** The value that a distribution gives for u in [0, 1). */
function distribution(range: unknown, where: string): (u: number) => Setting {
  const kinds = ['uniform', 'logUniform', 'integer', 'choice'];
  const [[kind, values] = ['', undefined], ...more] = Object.entries(fields(range, where, kinds));
  if (more.length > 0 || kind === '') throw new SweepError(where, `must have one of ${kinds.join(', ')}.`);
  if (!Array.isArray(values) || values.length === 0)
    throw new SweepError(`${where}.${kind}`, `must be a list, not ${JSON.stringify(values)}.`);
  if (kind === 'choice') return (u) => values[Math.floor(u * values.length)] as Setting;
  const [lo, hi] = values as number[];
  const ends = values.length === 2 && values.every((value) => typeof value === 'number' && Number.isFinite(value)) && lo < hi;
  if (!ends || (kind === 'logUniform' && lo <= 0) || (kind === 'integer' && !values.every(isWhole))) {
    const wanted = { uniform: 'two numbers', logUniform: 'two positive numbers', integer: 'two whole numbers' }[kind];
    throw new SweepError(`${where}.${kind}`, `must be ${wanted}, the lower first, not ${JSON.stringify(values)}.`);
  }
  if (kind === 'integer') return (u) => lo + Math.floor(u * (hi - lo + 1));
  // Six digits are fine enough, and can be read.
  const round = (x: number) => Number(x.toPrecision(6));
  return kind === 'uniform' ? (u) => round(lo + u * (hi - lo)) : (u) => round(lo * (hi / lo) ** u);
}

/** What a trial is, whatever sweep or machine it belongs to: 16 hexadecimal digits of all that decides its result. */
export function trialId(settings: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return fingerprintText(JSON.stringify(given.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** One of n machines that share a sweep. */
export interface Shard {
  /** From 1. */
  index: number;
  count: number;
}

/** `2/8`. @throws RangeError for anything else */
export function parseShard(text: string): Shard {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(index >= 1 && index <= count)) throw new RangeError(`A shard is written as 2/8, the second of eight, not '${text}'.`);
  return { index, count };
}

/** The members of a list that are a shard's to do: every count-th. Shards have nothing in common and together all. */
export function ofShard<T>(list: readonly T[], { index, count }: Shard): T[] {
  return list.filter((_, i) => i % count === index - 1);
}

/** Names of the settings in which some of the trials differ. */
export function varied(trials: readonly Readonly<Record<string, unknown>>[]): string[] {
  const names = new Set(trials.flatMap((settings) => Object.keys(settings)));
  return [...names].filter((name) => new Set(trials.map((settings) => JSON.stringify(settings[name]))).size > 1);
}

function fields(value: unknown, where: string, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SweepError(where, `must be an object { ... }, not ${JSON.stringify(value) ?? 'nothing'}.`);
  const unknown = known && Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new SweepError(where, `has an unknown key '${unknown}'; known are ${known!.join(', ')}.`);
  return value as Record<string, unknown>;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
