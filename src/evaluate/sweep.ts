/**
 * A search over settings: which trials a sweep consists of, which machine does which, and in what they differ. A sweep is a
 * plain object, as it stands in a JSON file:
 *
 *     { "base":   { "epochs": 5, "protocol": "kfold" },
 *       "grid":   { "lr": [0.003, 0.01], "wd": [0.05, 0.1, 0.2] },
 *       "random": { "trials": 20, "seed": 1, "options": { "factors": { "integer": [10, 100] }, "lr": { "logUniform": [1e-3, 3e-2] } } } }
 *
 * Each combination of the grid is tried with each random draw; both may be left out. The caller decides which settings
 * exist.
 */
import { checkOptions, checkSeed, checkWhole } from '../base/check.js';
import { DotbiasError } from '../base/errors.js';
import { fingerprintText } from '../base/fingerprint.js';
import { isObject, quote } from '../base/json.js';
import { hash32 } from '../base/random.js';

/** The value of a setting, as JSON has it. */
export type Setting = string | number | boolean | null | readonly (string | number)[];
/** The settings of a trial by name. */
export type Settings = Readonly<Record<string, Setting>>;

/** A sweep that makes no sense. */
export class SweepError extends DotbiasError {
  constructor(
    /** The place in the sweep, such as `grid.lr[1]`; '' for the whole. */
    readonly where: string,
    message: string,
  ) {
    super(message);
  }
}

/** Throws a RangeError or TypeError that says what is wrong, for a name that is no setting or a value that it cannot have. */
export type CheckSetting = (name: string, value: Setting) => void;

/**
 * The settings of each trial, in a fixed order. If a sweep grows, by more values in a grid or by more random draws, the
 * trials that it had are among the new ones.
 *
 * @throws SweepError for anything that is not a sweep, with its place
 */
export function planSweep(sweep: unknown, check: CheckSetting = () => undefined): Settings[] {
  const { base = {}, grid = {}, random } = fields(sweep, '', ['base', 'grid', 'random']);
  const checked = (name: string, value: unknown, where: string) => {
    inPlace(where, () => check(name, value as Setting), `${where} is ${quote(value)}: `);
    return value as Setting;
  };

  const common = fields(base, 'base');
  for (const [name, value] of Object.entries(common)) checked(name, value, `base.${name}`);
  const lists = Object.entries(fields(grid, 'grid')).map(([name, values]) =>
    list(values, `grid.${name}`, 'a list of the values to try').map((value, i) => ({
      [name]: checked(name, value, `grid.${name}[${i}]`),
    })),
  );
  const draws = random === undefined ? [{}] : drawSettings(random, checked);
  const nTrials = lists.reduce((product, choices) => product * choices.length, draws.length);
  if (nTrials > MAX_TRIALS) throw new SweepError('grid', `The grid makes ${nTrials} trials; ${MAX_TRIALS} at most can be planned.`);
  const combinations = lists.reduce<Settings[]>(
    (all, choices) => all.flatMap((settings) => choices.map((one) => ({ ...settings, ...one }))),
    [{}],
  );
  for (const name of Object.keys(draws[0])) {
    const where = `random.options.${name}`;
    if (name in combinations[0]) throw new SweepError(where, `${where} is in the grid too; it can be in one of them only.`);
  }
  return combinations.flatMap((settings) => draws.map((draw) => ({ ...common, ...settings, ...draw }) as Settings));
}

const MAX_TRIALS = 100_000;

type Checked = (name: string, value: unknown, where: string) => Setting;

function drawSettings(random: unknown, checked: Checked): Settings[] {
  const { trials, seed = 42, options } = fields(random, 'random', ['trials', 'seed', 'options']);
  inPlace('random.trials', () => checkWhole('random.trials', trials, 1, MAX_TRIALS));
  inPlace('random.seed', () => checkSeed(seed, 'random.seed'));
  const draws = Object.entries(fields(options, 'random.options')).map(([name, range]) => {
    const where = `random.options.${name}`;
    const draw = distribution(range, where);
    // Each setting has a stream of its own, so that adding one changes nothing in the others.
    const stream = parseInt(fingerprintText(name).slice(0, 8), 16);
    for (const u of [0, 1 - 2 ** -32]) checked(name, draw(u), where);
    return (trial: number) => ({ [name]: draw(hash32(seed as number, stream, trial, 0) / 2 ** 32) });
  });
  if (draws.length === 0) throw new SweepError('random.options', 'random.options names nothing to draw.');
  return Array.from({ length: trials as number }, (_, trial) => Object.assign({}, ...draws.map((draw) => draw(trial))) as Settings);
}

const KINDS = ['uniform', 'logUniform', 'integer', 'choice'];

/** The value of a distribution at u in [0, 1). */
function distribution(range: unknown, where: string): (u: number) => Setting {
  const [[kind, given] = ['', undefined], ...more] = Object.entries(fields(range, where, KINDS));
  if (more.length > 0 || kind === '') throw new SweepError(where, `${where} must have one of ${KINDS.join(', ')}.`);
  const place = `${where}.${kind}`;
  const values = list(given, place, 'a list');
  if (kind === 'choice') return (u) => values[Math.floor(u * values.length)] as Setting;
  const [lo, hi] = values as number[];
  const isPair = values.length === 2 && values.every(Number.isFinite) && lo < hi;
  if (!isPair || (kind === 'logUniform' && lo <= 0) || (kind === 'integer' && !values.every(Number.isSafeInteger))) {
    const wanted = { uniform: 'two numbers', logUniform: 'two positive numbers', integer: 'two whole numbers' }[kind];
    throw new SweepError(place, `${place} must be ${wanted}, the lower first, not ${quote(values)}.`);
  }
  if (kind === 'integer') return (u) => lo + Math.floor(u * (hi - lo + 1));
  // Six digits are fine enough, and readable.
  const round = (x: number) => Number(x.toPrecision(6));
  return kind === 'uniform' ? (u) => round(lo + u * (hi - lo)) : (u) => round(lo * (hi / lo) ** u);
}

/**
 * The identity of a trial, 16 hexadecimal digits: the same settings have the same one in every sweep and on every machine.
 *
 * @param settings everything that decides the result; a setting that is undefined counts as absent
 */
export function trialId(settings: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return fingerprintText(JSON.stringify(given.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** The part of a sweep that one of several machines does. */
export interface Shard {
  /** Number of this part, from 1 to `count`. */
  index: number;
  /** Number of parts. */
  count: number;
}

/** Reads a shard that is written as `2/8`. @throws RangeError for anything else */
export function parseShard(text: string): Shard {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(index >= 1 && index <= count)) throw new RangeError(`A shard is written as 2/8, the second of eight, not '${text}'.`);
  return { index, count };
}

/** The members of a list that belong to a shard, every count-th. Each member belongs to one shard. */
export function ofShard<T>(all: readonly T[], { index, count }: Shard): T[] {
  return all.filter((_, i) => i % count === index - 1);
}

/** Names of the settings that are not the same in all trials. */
export function varied(trials: readonly Readonly<Record<string, unknown>>[]): string[] {
  const names = new Set(trials.flatMap((settings) => Object.keys(settings)));
  return [...names].filter((name) => new Set(trials.map((settings) => JSON.stringify(settings[name]))).size > 1);
}

function fields(value: unknown, where: string, known?: readonly string[]): Record<string, unknown> {
  const name = where === '' ? 'The sweep' : where;
  if (!isObject(value)) {
    throw new SweepError(where, `${name} must be an object { ... }, not ${value === undefined ? 'nothing' : quote(value)}.`);
  }
  if (known) inPlace(where, () => checkOptions(name, value, known));
  return value;
}

function list(value: unknown, where: string, what: string): unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new SweepError(where, `${where} must be ${what}, not ${quote(value)}.`);
}

/** Runs a check; what it says becomes a SweepError, after `prefix`. */
function inPlace(where: string, check: () => void, prefix = ''): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new SweepError(where, prefix + error.message);
  }
}
