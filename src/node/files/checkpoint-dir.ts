import { readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOptions, checkWhole } from '../../base/check.js';
import type { Ring } from '../../base/ring.js';
import { FileFormatError } from '../../base/errors.js';
import { type Checkpoint, decodeCheckpoint } from '../../train/checkpoint.js';
import type { Fit, FittedLearner } from '../../train/fit.js';
import { writeFileAtomic } from '../disk/files.js';
import { makeFolder } from '../disk/folders.js';
import { removeLeftovers } from '../disk/leftovers.js';
import { type FolderLock, lockFolder, type LockOptions } from '../disk/lock.js';
import { completeEpochs } from './checkpoint-blocks.js';
import { checkShared, newestBlocks, type NewestBlocks, saveBlocks } from './save-blocks.js';
import { onFirst } from './together.js';
import { readSavedFile } from './saved-file.js';

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
 * A fit in strata is kept in blocks, a folder `epoch-0001` for each epoch, which may be resumed in any number of parts and on any
 * number of ranks that divides the strata. On several ranks each calls all of this, after `share`:
 *
 *     await folder.share(ring);
 *     const { checkpoint } = await folder.newestBlocks(learn);
 *     const saves = { onEpoch: (_, fit) => folder.saveBlocks(fit) }; // the last callback: it keeps what those before it have
 *     await learn.fitOneCycle(5, 0.01, { callbacks: [saves], resume: checkpoint });
 *
 * Files are written whole or not at all, so a process may be killed at any time. From the first `save` or `lock` until
 * `release`, or its end, the folder belongs to this process: another one is refused.
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

  /** Writes a checkpoint; pass it to a fit as `checkpoint`. @throws as `lock` */
  readonly save = async (bytes: Uint8Array, { records }: Pick<Fit, 'records'>): Promise<void> => {
    const epoch = records.length;
    await (await this.lock()).check();
    await writeFileAtomic(join(this.path, fileName(epoch)), bytes);
    for (const { name, epoch: old } of await this.#files()) {
      // Files newer than this one are damaged; the run is about to replace them.
      if (old <= epoch - this.#keepLast) await rm(join(this.path, name), { force: true });
    }
  };

  /**
   * Writes a checkpoint in blocks of a fit in strata, between two of its epochs. Every rank calls it.
   * @throws DotbiasError, on every rank, if one of them could not write its blocks, and for a fit without strata; as `lock`
   */
  readonly saveBlocks = async (fit: Fit): Promise<void> => {
    await saveBlocks(this.path, fit, this.#keepLast, async () => (await this.lock()).check());
  };

  /**
   * The newest checkpoint that can be read. Damaged ones are passed over, with a note.
   *
   * @throws FileFormatError if the checkpoints of the folder are in blocks; the file system's error; a folder that does not exist has
   *   no checkpoints
   */
  async newest(): Promise<Newest> {
    const notes: string[] = [];
    this.#refuseIf(
      (await completeEpochs(this.path)).length > 0,
      'in blocks, of a run in strata, and this run has none: give the same strata',
    );
    for (const { name } of (await this.#files()).reverse()) {
      const file = join(this.path, name);
      try {
        return { checkpoint: await readSavedFile(file, decodeCheckpoint, ''), file, notes };
      } catch (error) {
        if (!(error instanceof FileFormatError)) throw error;
        notes.push(`${file} cannot be used: ${error.message.replace(`${file}: `, '')}`);
      }
    }
    return { checkpoint: undefined, file: undefined, notes };
  }

  /**
   * The newest checkpoint in blocks, of which each rank reads its own. Damaged ones are passed over, with a note. Every rank calls it.
   *
   * @throws FileFormatError if the checkpoints of the folder are not in blocks; DotbiasError for a learner without strata, and on
   *   every rank for an error of the file system; a folder that does not exist has no checkpoints
   */
  async newestBlocks(learn: FittedLearner): Promise<NewestBlocks> {
    this.#refuseIf((await this.#files()).length > 0, 'in whole files, of a run without strata, and this run has strata: leave them out');
    return newestBlocks(this.path, learn);
  }

  /** @throws FileFormatError if the folder has checkpoints of the other kind */
  #refuseIf(isOther: boolean, kind: string): void {
    if (isOther) throw new FileFormatError(`${this.path} holds checkpoints ${kind}, or use another folder.`);
  }

  async #names(): Promise<string[]> {
    return readdir(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  }

  /** The epochs that have a checkpoint, a file or a folder of blocks, ascending; none if there is no folder. */
  async epochs(): Promise<number[]> {
    const files = (await this.#files()).map(({ epoch }) => epoch);
    return [...files, ...(await completeEpochs(this.path))].sort((a, b) => a - b);
  }

  async #files(): Promise<{ name: string; epoch: number }[]> {
    return (await this.#names())
      .map((name) => ({ name, epoch: Number(/^epoch-(\d+)\.safetensors$/.exec(name)?.[1] ?? 0) }))
      .filter(({ epoch }) => epoch > 0)
      .sort((a, b) => a.epoch - b.epoch);
  }

  /**
   * Makes the folder for a run that begins, and locks it.
   *
   * @throws FileFormatError if it holds checkpoints, which are never overwritten; otherwise as `lock`
   */
  async begin(options: LockOptions = {}): Promise<void> {
    await this.lock(options);
    const epochs = await this.epochs();
    if (epochs.length > 0) {
      await this.release();
      const newest = `the newest after ${epochs.at(-1)} epochs`;
      throw new FileFormatError(`${this.path} holds checkpoints of an earlier run, ${newest}: resume that run, or use another folder.`);
    }
  }

  /**
   * Makes the folder if need be, takes it for this process alone, and removes what killed runs left half-written. A process
   * that has it already keeps it.
   *
   * @throws DotbiasError if another process works in the folder; the file system's error if it cannot be made or written to
   */
  async lock(options: LockOptions = {}): Promise<FolderLock> {
    await makeFolder(this.path);
    const folder = await realpath(this.path);
    let lock = locks.get(folder);
    if (lock === undefined) {
      locks.set(folder, (lock = lockFolder(folder, options)));
      try {
        await lock;
      } catch (error) {
        locks.delete(folder);
        throw error;
      }
      await removeLeftovers(folder);
      // Version 0.1.0 named its temporary files so; no other process writes here now.
      for (const name of await this.#names()) if (/^\.epoch-.*\.tmp$/.test(name)) await rm(join(folder, name), { force: true });
    }
    return lock;
  }

  /**
   * Takes the folder for all ranks of a ring, whose rank 0 locks it, and makes sure that they see one folder and may write there.
   * Every rank calls it.
   *
   * @param begins whether the run begins, and the folder is to have no checkpoints: as `begin`, else as `lock`. Default false
   * @throws DotbiasError on every rank, also for what `begin` or `lock` throw
   */
  async share(ring: Ring, { begins = false, ...options }: LockOptions & { begins?: boolean | undefined } = {}): Promise<void> {
    await onFirst(ring, async () => void (await (begins ? this.begin(options) : this.lock(options))));
    await checkShared(this.path, ring);
  }

  /** Lets other processes have the folder. */
  async release(): Promise<void> {
    const folder = await realpath(this.path).catch(() => this.path);
    const lock = locks.get(folder);
    locks.delete(folder);
    (await lock?.catch(() => undefined))?.release();
  }
}

/** The folders that this process has, by their real paths. */
const locks = new Map<string, Promise<FolderLock>>();

/** The names that checkpoints and the lock have. */
export const CHECKPOINT_FILE = /^epoch-\d+\.safetensors$|^\.lock$/;

function fileName(epoch: number): string {
  return `epoch-${String(epoch).padStart(4, '0')}.safetensors`;
}
