/** From a sweep file to the trials that are to do. */
import { Command, CommanderError } from 'commander';
import { DataError } from '../../base/errors.js';
import { isObject, parseJson } from '../../base/json.js';
import { ofShard, planSweep, type Setting, type Settings, type Shard, trialId } from '../../evaluate/sweep.js';
import { readTextFile } from '../../node/disk/read-file.js';
import type { SweepDir } from '../../node/files/sweep-dir.js';
import { newNameOf } from '../options/renamed.js';
import { addTrialOptions, type FoldSource, type TrialFlags, trialSettings } from './trial.js';

/** The trials of a sweep file, in its order. @throws DataError for a file that is not JSON, SweepError for what is no sweep */
export async function readTrials(file: string): Promise<TrialFlags[]> {
  return planSweep(await readJson(file), (name, value) => void parseTrial({ [name]: value })).map(parseTrial);
}

/** A sweep file names settings and their values; a longer one is a mistake. */
const MAX_VALUES = 1_000_000;

async function readJson(file: string): Promise<unknown> {
  const text = await readTextFile(file);
  try {
    return parseJson(text, { maxDepth: 8, maxValues: MAX_VALUES });
  } catch (cause) {
    const { message, cause: reason } = cause as Error;
    const where = reason instanceof Error ? `: ${reason.message}` : '';
    throw new DataError(`This ${message}${where}.`, { file }, { cause });
  }
}

/** Settings as the command line would have them, the others at their defaults. Throws RangeError for what it would refuse. */
function parseTrial(settings: Settings): TrialFlags {
  const command = addTrialOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const args = Object.entries(settings).flatMap(([name, value]) => argumentOf(command, name, value));
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new RangeError(error.message.replace(/^error: (option .*? is invalid\. )?/, ''), { cause: error });
  }
  return command.opts();
}

/** One setting as an argument, such as `--y-range=0,5.5` or `--no-bias`. */
function argumentOf({ options }: Command, name: string, value: Setting): string[] {
  const option = options.find((each) => each.attributeName() === name);
  if (option === undefined) {
    const now = newNameOf(name);
    if (now !== undefined) throw new RangeError(`${name} is now ${now}.`);
    throw new RangeError(`there is no such setting; known are ${options.map((each) => each.attributeName()).join(', ')}.`);
  }
  if (!option.required && !option.optional) {
    if (typeof value !== 'boolean') throw new RangeError('Use true or false.');
    return value === !option.negate ? [option.long!] : [];
  }
  if (typeof value === 'boolean' || isObject(value)) throw new RangeError('Use a number, a text or a list.');
  return [`${option.long}=${value === null ? 'none' : String(value)}`];
}

/** A trial, and all that decides its result. */
export interface PlannedTrial {
  id: string;
  trial: TrialFlags;
  config: Record<string, unknown>;
}

/** What a sweep consists of, and what is left of it. */
export interface SweepPlan {
  /** Which data the trials are made with, one sentence each. */
  sources: string[];
  /** All trials, each once. */
  nTrials: number;
  /** Those of this shard, and of these those that have no result yet. */
  nMine: number;
  toDo: PlannedTrial[];
}

/** Tells which of the trials of a shard have no result in `dir` yet. */
export async function planTrials(trials: readonly TrialFlags[], source: FoldSource, dir: SweepDir, shard: Shard): Promise<SweepPlan> {
  const byId = new Map<string, PlannedTrial>();
  const sources = new Set<string>();
  for (const trial of trials) {
    const ratings = await source.ratings(trial);
    sources.add(ratings.source);
    const config = { ...trialSettings(trial), ratings: ratings.fingerprint };
    const id = trialId(config);
    byId.set(id, { id, trial, config });
  }
  const mine = ofShard([...byId.values()], shard);
  const toDo: PlannedTrial[] = [];
  for (const planned of mine) if (!(await dir.has(planned.id))) toDo.push(planned);
  return { sources: [...sources], nTrials: byId.size, nMine: mine.length, toDo };
}
