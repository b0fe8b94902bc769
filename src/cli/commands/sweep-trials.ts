/** From a sweep file to the trials that are to do. */
import { ofShard, planSweep, type Shard, SweepError, trialId } from '../../evaluate/sweep.js';
import type { SweepDir } from '../../node/files/sweep-dir.js';
import { readJsonFile } from '../options/json-file.js';
import { parseSettings } from '../options/settings.js';
import { addTrialOptions, type FoldSource, type TrialFlags, trialSettings } from './trial.js';

/** The trials of a sweep file, in its order. @throws DataError for a file that is not JSON, SweepError that names it for no sweep */
export async function readTrials(file: string): Promise<TrialFlags[]> {
  const parse = (settings: Readonly<Record<string, unknown>>) => parseSettings<TrialFlags>(addTrialOptions, settings);
  const sweep = await readJsonFile(file, LIMITS);
  try {
    return planSweep(sweep, (name, value) => void parse({ [name]: value })).map(parse);
  } catch (error) {
    if (!(error instanceof SweepError)) throw error;
    throw new SweepError(error.where, `${file}: ${error.message}`);
  }
}

/** A sweep file names settings and their values; a longer one is a mistake. */
const LIMITS = { maxDepth: 8, maxValues: 1_000_000 };

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
