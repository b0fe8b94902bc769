import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fit } from '../../train/callbacks.js';
import { type Checkpoint, decodeCheckpoint } from '../../train/checkpoint.js';
import { FileFormatError } from '../../base/errors.js';
import { writeFileAtomic } from '../disk/files.js';

export interface CheckpointDirOptions {
  /** Checkpoints kept; older ones are deleted once a newer one is safely on the disk. Default 2. */
  keepLast?: number;
}

/** What a folder has to resume from. */
export interface Newest {
  /** Undefined if no file of the folder can be used. */
  checkpoint: Checkpoint | undefined;
  file: string | undefined;
  /** A sentence for each newer file that was passed over, being damaged. */
  notes: string[];
}

/**
 * A folder of one fit's checkpoints, `epoch-0001.safetensors` and so on, the number being that of the epochs made:
 *
 *     const folder = new CheckpointDir('run1');
 *     const { checkpoint } = await folder.newest();
 *     await learn.fitOneCycle(5, 0.01, { checkpoint: folder.save, resume: checkpoint });
 *
 * Files are written whole or not at all, so a process may be killed at any time.
 *
 * @throws RangeError if `keepLast` is not a whole number of at least 1
 */
export class CheckpointDir {
  readonly #keepLast: number;

  constructor(
    readonly path: string,
    { keepLast = 2 }: CheckpointDirOptions = {},
  ) {
    if (!Number.isSafeInteger(keepLast) || keepLast < 1)
      throw new RangeError(`keepLast must be a whole number of at least 1, not ${keepLast}.`);
    this.#keepLast = keepLast;
  }

  /** Writes a checkpoint, to be given to a fit as `checkpoint`. Throws the file system's error. */
  readonly save = async (bytes: Uint8Array, { records }: Pick<Fit, 'records'>): Promise<void> => {
    const epoch = records.length;
    await writeFileAtomic(join(this.path, fileName(epoch)), bytes);
    for (const old of await this.epochs()) {
      // Newer files than this one are damaged ones that the run is about to replace.
      if (old <= epoch - this.#keepLast) await rm(join(this.path, fileName(old)), { force: true });
    }
  };

  /** The newest checkpoint that can be read; damaged ones are passed over, with a note. What a killed run left half-written is deleted. */
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

  /** Epochs of which there are checkpoints, ascending; none if there is no folder. */
  async epochs(): Promise<number[]> {
    return (await this.#names())
      .flatMap((name) => Number(/^epoch-(\d+)\.safetensors$/.exec(name)?.[1] ?? []))
      .filter((epoch) => epoch > 0)
      .sort((a, b) => a - b);
  }

  /**
   * Makes the folder for a run that begins.
   * @throws FileFormatError if it holds checkpoints already: they are not overwritten; the file system's error if it
   *   cannot be made or written to
   */
  async begin(): Promise<void> {
    const epochs = await this.epochs();
    if (epochs.length > 0) {
      throw new FileFormatError(
        `${this.path} holds checkpoints of an earlier run, the newest after ${epochs.at(-1)} epochs: resume that run, or use another folder.`,
      );
    }
    await mkdir(this.path, { recursive: true });
    await access(this.path, constants.W_OK | constants.X_OK);
  }
}

function fileName(epoch: number): string {
  return `epoch-${String(epoch).padStart(4, '0')}.safetensors`;
}
