import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOptions, checkWhole } from '../../base/check.js';
import { FileFormatError } from '../../base/errors.js';
import { type Checkpoint, decodeCheckpoint } from '../../train/checkpoint.js';
import type { Fit } from '../../train/fit.js';
import { writeFileAtomic } from '../disk/files.js';

/** Options of a `CheckpointDir`. */
export interface CheckpointDirOptions {
  /** Number of checkpoints to keep; an older one is deleted once a newer one is safely on the disk. Default 2. */
  keepLast?: number | undefined;
}

/** The newest checkpoint of a folder. */
export interface Newest {
  /** What to pass to a fit as `resume`; undefined if no file of the folder can be used. */
  checkpoint: Checkpoint | undefined;
  /** Path of the checkpoint. */
  file: string | undefined;
  /** A sentence about each newer file that was passed over because it is damaged. */
  notes: string[];
}

/**
 * A folder with the checkpoints of one fit, `epoch-0001.safetensors` and so on, numbered by the epochs done:
 *
 *     const folder = new CheckpointDir('run1');
 *     const { checkpoint } = await folder.newest();
 *     await learn.fitOneCycle(5, 0.01, { checkpoint: folder.save, resume: checkpoint });
 *
 * Files are written whole or not at all, so a process may be killed at any time.
 */
export class CheckpointDir {
  readonly #keepLast: number;

  /**
   * @param path the folder, which need not exist
   * @throws RangeError if `keepLast` is not a whole number of at least 1, TypeError for an option that does not exist
   */
  constructor(
    readonly path: string,
    options: CheckpointDirOptions = {},
  ) {
    checkOptions('CheckpointDir', options, ['keepLast']);
    const { keepLast = 2 } = options;
    checkWhole('keepLast', keepLast);
    this.#keepLast = keepLast;
  }

  /** Writes a checkpoint; pass it to a fit as `checkpoint`. @throws the file system's error */
  readonly save = async (bytes: Uint8Array, { records }: Pick<Fit, 'records'>): Promise<void> => {
    const epoch = records.length;
    await writeFileAtomic(join(this.path, fileName(epoch)), bytes);
    for (const old of await this.epochs()) {
      // Files newer than this one are damaged; the run is about to replace them.
      if (old <= epoch - this.#keepLast) await rm(join(this.path, fileName(old)), { force: true });
    }
  };

  /**
   * The newest checkpoint that can be read. Damaged ones are passed over, with a note; files that a killed run left
   * half-written are deleted.
   *
   * @throws the file system's error; a folder that does not exist has no checkpoints
   */
  async newest(): Promise<Newest> {
    const notes: string[] = [];
    for (const name of await this.#names()) if (/^\.epoch-.*\.tmp$/.test(name)) await rm(join(this.path, name), { force: true });
    for (const epoch of (await this.epochs()).reverse()) {
      const file = join(this.path, fileName(epoch));
      try {
        return { checkpoint: decodeCheckpoint(await readFile(file)), file, notes };
      } catch (error) {
        if (!(error instanceof FileFormatError)) throw error;
        notes.push(`${file} cannot be used: ${error.message}`);
      }
    }
    return { checkpoint: undefined, file: undefined, notes };
  }

  async #names(): Promise<string[]> {
    return readdir(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  }

  /** The epochs that have a checkpoint, ascending; none if there is no folder. */
  async epochs(): Promise<number[]> {
    return (await this.#names())
      .flatMap((name) => Number(/^epoch-(\d+)\.safetensors$/.exec(name)?.[1] ?? []))
      .filter((epoch) => epoch > 0)
      .sort((a, b) => a - b);
  }

  /**
   * Makes the folder for a run that begins.
   *
   * @throws FileFormatError if it holds checkpoints, which are never overwritten; the file system's error if it cannot be
   *   made or written to
   */
  async begin(): Promise<void> {
    const epochs = await this.epochs();
    if (epochs.length > 0) {
      const newest = `the newest after ${epochs.at(-1)} epochs`;
      throw new FileFormatError(`${this.path} holds checkpoints of an earlier run, ${newest}: resume that run, or use another folder.`);
    }
    await mkdir(this.path, { recursive: true });
    await access(this.path, constants.W_OK | constants.X_OK);
  }
}

function fileName(epoch: number): string {
  return `epoch-${String(epoch).padStart(4, '0')}.safetensors`;
}
