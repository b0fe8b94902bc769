import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../base/json.js';
import type { Evaluation } from '../../evaluate/evaluate.js';
import { writeFileAtomic } from '../disk/files.js';

/** What is kept of a trial. In the file a figure that is not a number, such as the sd over one fold, is null. */
export interface TrialRecord extends Partial<Evaluation> {
  /** Identity of the trial, see `trialId`. */
  id: string;
  /** Version of dotbias that ran it. */
  version: string;
  /** The adapter on which it ran. */
  adapter: string;
  /** Everything that decides the result. */
  config: Record<string, unknown>;
  /** Why there is no result, if that is because of the settings. */
  error?: string | undefined;
}

/**
 * A folder of trials, one JSON file each, named by the trial's id. Any number of processes, on any machines that share
 * the folder, may write to it: files appear whole or not at all, and the same trial has the same name everywhere.
 */
export class SweepDir {
  /** @param path the folder, which need not exist before the first `write` */
  constructor(readonly path: string) {}

  #file(id: string): string {
    return join(this.path, `trial-${id}.json`);
  }

  /** Whether a trial is done; a file that is not a whole record does not count. */
  async has(id: string): Promise<boolean> {
    return (await this.#record(this.#file(id))) !== undefined;
  }

  /** Writes the record of a trial, in place of an earlier one. @throws the file system's error */
  async write(record: TrialRecord): Promise<void> {
    await writeFileAtomic(this.#file(record.id), `${JSON.stringify(record, null, 2)}\n`);
  }

  /**
   * All trials by file name, and the names of files that should hold a trial but do not.
   *
   * @throws the file system's error, also if there is no such folder
   */
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

  /** Undefined if there is no file, or it is not a whole record. */
  async #record(file: string): Promise<TrialRecord | undefined> {
    try {
      if (!(await stat(file)).isFile()) return undefined; // a folder cannot be read, and a FIFO would be waited for
      const record: unknown = JSON.parse(await readFile(file, 'utf8'));
      if (!isObject(record) || typeof record['id'] !== 'string' || !isObject(record['config'])) return undefined;
      return isObject(record['mean']) || typeof record['error'] === 'string' ? (record as unknown as TrialRecord) : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
