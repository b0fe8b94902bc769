/** Checkpoints in blocks of fits in strata, which all ranks write and read together. */
import { DotbiasError } from '../../base/errors.js';
import { agree, ALONE, gatherTexts, type Ring } from '../../base/ring.js';
import { type BlocksCheckpoint, decodeRest, encodeRest } from '../../train/checkpoint.js';
import { type BlockEntry, encodeIndex } from '../../train/checkpoint-blocks.js';
import type { Fit, FittedLearner } from '../../train/fit.js';
import { type BlockName, dealsOf, ownBlocks, readerOf } from '../../train/state-blocks.js';
import {
  beginEpoch,
  commitEpoch,
  completeEpochs,
  leaveToken,
  readBlock,
  readEpoch,
  removeEpoch,
  removeToken,
  seeToken,
  writeBlock,
} from './checkpoint-blocks.js';
import { inFile } from './saved-file.js';
import { fromFirst, gatherLists, onFirst, together } from './together.js';

/**
 * Writes the checkpoint of a fit in strata that stands between two epochs: each rank its blocks, rank 0 the rest. Every rank calls it.
 *
 * @param keepLast complete epochs to keep
 * @param check whether the folder is still this run's, asked on rank 0
 * @throws DotbiasError on every rank if one of them could not write; what is complete stays
 */
export async function saveBlocks(dir: string, fit: Fit, keepLast: number, check: () => Promise<void>): Promise<void> {
  const ring = fit.learner.trainer.ring ?? ALONE;
  await onFirst(ring, async () => {
    await check();
    await beginEpoch(dir, fit.records.length);
  });
  try {
    await writeEpoch(dir, fit, ring, keepLast);
  } catch (error) {
    // Half an epoch is of no use, and the disk may be full.
    if (ring.rank === 0) await removeEpoch(dir, fit.records.length).catch(() => undefined);
    throw error;
  }
}

async function writeEpoch(dir: string, fit: Fit, ring: Ring, keepLast: number): Promise<void> {
  const { learner } = fit;
  const { embeddings } = learner;
  const epoch = fit.records.length;
  const { rowStride } = embeddings.layout;
  const nArrays = embeddings.parts[0].arrays.length;
  const written = await together(ring, async () => {
    const read = await readerOf(learner);
    const entries: (BlockName & BlockEntry)[] = [];
    for (const { side, block } of ownBlocks(learner)) {
      const state = await read(side, block);
      const shape = [nArrays, state.length / (nArrays * rowStride), rowStride] as const;
      entries.push({ side, block, ...(await writeBlock(dir, epoch, side, block, state, shape)) });
    }
    return entries;
  });
  const all = await gatherLists(ring, written);
  const listOf = (of: BlockName['side']) =>
    all
      .filter(({ side }) => side === of)
      .sort((a, b) => a.block - b.block)
      .map(({ nRows, checksum }): BlockEntry => ({ nRows, checksum }));
  const index = { epoch, nArrays, rowStride, users: listOf('users'), items: listOf('items') };
  await onFirst(ring, () => commitEpoch(dir, index, encodeRest(fit), keepLast));
}

/** The newest checkpoint in blocks, or none. */
export interface NewestBlocks {
  /** What to pass to a fit as `resume`; undefined if no epoch of the folder can be used. */
  checkpoint: BlocksCheckpoint | undefined;
  /** Path of the epoch's folder. */
  file: string | undefined;
  /** A sentence about each newer epoch that was passed over because it is damaged. */
  notes: string[];
}

/**
 * The newest epoch of a folder of which every rank can read its blocks; they are read once to see that, and again by the fit.
 * Damaged ones are passed over, with a note. Every rank calls it, and gets the same one.
 *
 * @throws DotbiasError on every rank for an error of the file system
 */
export async function newestBlocks(dir: string, learner: FittedLearner): Promise<NewestBlocks> {
  dealsOf(learner);
  const ring = learner.trainer.ring ?? ALONE;
  const notes: string[] = [];
  const epochs = JSON.parse(await fromFirst(ring, async () => JSON.stringify(await completeEpochs(dir)))) as number[];
  for (const epoch of epochs.reverse()) {
    const found = await together(ring, () => orDamage(readWhole(dir, epoch, learner)));
    const damage = (await gatherTexts(ring, 'damage' in found ? found.damage : '')).find((text) => text !== '');
    if (damage !== undefined || 'damage' in found) {
      notes.push(`Epoch ${epoch} in ${dir} cannot be used: ${damage}`);
      continue;
    }
    const { index } = found.checkpoint;
    await agree(ring, { checkpoint: `epoch ${epoch}`, index: encodeIndex(index) });
    return { ...found, notes };
  }
  return { checkpoint: undefined, file: undefined, notes };
}

/** An epoch, once all that this process needs of it was read. */
async function readWhole(dir: string, epoch: number, learner: FittedLearner) {
  const { index, rest, path } = await readEpoch(dir, epoch);
  const checkpoint: BlocksCheckpoint = {
    ...inFile(path, decodeRest, rest),
    index,
    readBlock: (side, block) => readBlock(dir, index, side, block),
  };
  // Another run may have fewer blocks: that is told as the fit resumes.
  for (const { side, block } of ownBlocks(learner)) if (block < index[side].length) await checkpoint.readBlock(side, block);
  return { checkpoint, file: path };
}

async function orDamage<T>(work: Promise<T>): Promise<T | { damage: string }> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DotbiasError) return { damage: error.message };
    throw error;
  }
}

/**
 * Makes sure that all ranks see one folder by this name, and may write there; rank 0 has it already. Every rank calls it.
 * @throws DotbiasError on every rank, naming the first that does not
 */
export async function checkShared(dir: string, ring: Ring): Promise<void> {
  if (ring.size === 1) return;
  const token = await fromFirst(ring, () => leaveToken(dir));
  try {
    await together(ring, () => seeToken(dir, token));
  } finally {
    if (ring.rank === 0) await removeToken(dir, token);
  }
}
