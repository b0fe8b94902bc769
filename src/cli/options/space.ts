import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BlockIds } from '../../data/block-ids.js';
import { blockSizes } from '../../data/deal.js';
import type { Id } from '../../data/ids.js';
import { freeBytes, anchorOf, findTarget } from '../../node/disk/target.js';
import { CheckpointDir } from '../../node/files/checkpoint-dir.js';
import { parameterBytes } from '../../model/layout.js';
import { isFolderName, MAX_FILE_BYTES, tooLarge } from '../../node/files/model-file.js';
import type { CollabLearner } from '../../train/learner.js';
import { UsageError } from '../process/errors.js';

/** What a training will write. */
export interface TrainingOutputs {
  out?: string | undefined;
  ratings: boolean;
  plots?: string | undefined;
  report?: string | undefined;
  checkpointDir?: string | undefined;
  keepLast: number;
  keepBest?: boolean | undefined;
  epochs: number;
}

/** What is left out of the estimates below, such as headers and settings; bytes of each file. */
const SMALL = 4096;

/** The longest file of a checkpoint: it is made, or read, in one array. */
const MAX_CHECKPOINT_BYTES = 2 ** 32;

/**
 * Fails before training if a disk does not have the space for what will be written. While a file is replaced, the old one and the
 * new one both take space, as do all checkpoints that are kept and the one that comes.
 *
 * @throws UsageError
 */
export async function checkSpace(learn: CollabLearner, outputs: TrainingOutputs): Promise<void> {
  const { out, ratings, plots, report, checkpointDir, keepLast, epochs } = outputs;
  const needs = new Map<number, { folder: string; flags: string[]; bytes: number }>();
  const add = async (flag: string, path: string, bytes: number) => {
    const target = await findTarget(path);
    if (target.kind !== 'file') return;
    const { folder } = await anchorOf(target.path);
    const { dev } = await stat(folder);
    const need = needs.get(dev) ?? { folder, flags: [], bytes: 0 };
    need.flags.push(flag);
    need.bytes += bytes;
    needs.set(dev, need);
  };
  if (out !== undefined) {
    const bytes = parameterBytes(learn.embeddings.shape);
    if (!isFolderName(out) && bytes > MAX_FILE_BYTES) throw new UsageError(`--out ${out}: ${tooLarge(bytes)}`);
    await add('--out', isFolderName(out) ? join(out, 'model') : out, modelBytes(learn, ratings));
  }
  if (plots !== undefined) await add('--plots', join(plots, 'loss.svg'), SMALL);
  if (report !== undefined) await add('--report', report, SMALL + 6 * epochs * learn.data.stepsPerEpoch); // the losses, in base64
  if (checkpointDir !== undefined) {
    const kept = (await new CheckpointDir(checkpointDir).epochs()).length;
    const more = Math.max(1, Math.min(epochs, keepLast + 1) - kept);
    const { rest, blocks } = checkpointBytes(learn, outputs);
    const largest = Math.max(rest, ...blocks);
    if (largest > MAX_CHECKPOINT_BYTES) {
      const inRest = blocks.length === 0 ? 'train in strata, each of which has its own' : 'leave out --keep-best';
      const size = `a file of a checkpoint takes about ${largest} bytes, and may have ${MAX_CHECKPOINT_BYTES}`;
      throw new UsageError(`--checkpoint-dir: ${size}: ${rest === largest ? inRest : 'give more strata'}.`);
    }
    const bytes = blocks.reduce((sum, block) => sum + block, rest);
    await add('--checkpoint-dir', join(checkpointDir, 'epoch'), more * bytes);
  }
  for (const { folder, flags, bytes } of needs.values()) {
    const free = await freeBytes(folder);
    if (free === undefined || free >= bytes) continue;
    const [needed, has] = [bytes, free].map((n) => (n < 1e6 ? `${Math.round(n / 1000)} kB` : `${(n / 1e6).toFixed(n < 1e7 ? 2 : 0)} MB`));
    throw new UsageError(`${flags.join(' and ')} will write about ${needed}, and only ${has} are free on the disk of ${folder}.`);
  }
}

function modelBytes({ info, data, embeddings: { shape } }: CollabLearner, ratings: boolean): number {
  let ids = 0;
  for (const map of [info.users, info.items]) {
    let known = 0;
    // A rank knows those of its own blocks, which are like all others.
    const rows = map instanceof BlockIds ? map.rows : undefined;
    const n = rows?.length ?? map.size;
    for (let k = 0; k < n; k++) known += idBytes(map.idOf(rows?.[k] ?? k));
    ids += (known * map.size) / Math.max(1, n);
  }
  let titles = 0;
  for (const title of info.titles?.values() ?? []) titles += idBytes(title);
  if (data.share) titles *= data.share.strata / data.share.n;
  return SMALL + parameterBytes(shape) + Math.ceil(ids + titles) + (ratings ? 12 * data.nTrain : 0);
}

/** 8 bytes of a number, or of where a text ends. */
const idBytes = (id: Id) => 8 + (typeof id === 'number' ? 0 : Buffer.byteLength(id));

/**
 * Parameters, the optimiser's state, and five numbers of each step; see checkpoint.ts. In strata every block is a file, beside which the
 * rest has the state of the best epoch alone.
 */
function checkpointBytes({ embeddings, trainer }: CollabLearner, { epochs, keepBest }: TrainingOutputs) {
  const { rowStride, nParams } = embeddings.layout;
  const nArrays = embeddings.parts[0].arrays.length;
  const state = 4 * nParams * nArrays;
  const rest = SMALL + 5 * 8 * epochs * trainer.stepsPerEpoch + (keepBest ? state : 0);
  const { deals } = trainer.epochs;
  if (deals === undefined) return { rest: rest + state, blocks: [] };
  const sizes = [deals.users, deals.items].flatMap(blockSizes);
  return { rest, blocks: sizes.map((nRows) => SMALL + 4 * nRows * rowStride * nArrays) };
}
