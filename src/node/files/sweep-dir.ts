import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Evaluation } from '../../evaluate/evaluate.js';
import { writeFileAtomic } from '../disk/files.js';

/** What is kept of a trial; in the file, a figure that does not exist is null. */
export interface TrialRecord extends Partial<Evaluation> {
  id: string;
  version: string;
  adapter: string;
  /** All that decides the result. */
  config: Record<string, unknown>;
  /** Why there is no result, where the settings are to blame. */
  error?: string;
}

/**
 * A folder of trials, one JSON file each, named by the trial's id. Any number of processes, on any machines that share
 * the folder, may write to it: files appear whole or not at all, and the same trial has the same name everywhere.
 */
export class SweepDir {
  constructor(readonly path: string) {}

  #file(id: string): string {
    return join(this.path, `trial-${id}.json`);
  }

  /** Whether a trial is done; a file that cannot be read does not count. */
  async has(id: string): Promise<boolean> {
    return (await this.#record(this.#file(id))) !== undefined;
  }

  async write(record: TrialRecord): Promise<void> {
    await writeFileAtomic(this.#file(record.id), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** All trials, and the names of files that should be one but cannot be read. */
  async list(): Promise<{ trials: TrialRecord[]; unreadable: string[] }> {
    const trials: TrialRecord[] = [];
    const unreadable: string[] = [];
    for (const name of (await readdir(this.path)).filter((each) => /^trial-.*\.json$/.test(each)).sort()) {
      const record = await this.#record(join(this.path, name));
      if (record) trials.push(record);
      else unreadable.push(name);
    }
    return { trials, unreadable };
  }

  /** Undefined where there is no file, or not that of a trial. */
  async #record(file: string): Promise<TrialRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(file, 'utf8')) as Partial<TrialRecord> | null;
      const whole =
        typeof record?.id === 'string' &&
        typeof record.config === 'object' &&
        (typeof record.mean === 'object' || typeof record.error === 'string');
      return whole ? (record as TrialRecord) : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
