import { test } from 'uvu';
import { join } from 'node:path';
import { checkSpace } from '../../../src/cli/options/space.js';
import { UsageError } from '../../../src/cli/process/errors.js';
import type { CollabLearner } from '../../../src/train/learner.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { assertRefused } from '../../helpers/refusal.js';

const checkpointDir = join(temporaryFolder(), 'run');
const outputs = { ratings: false, checkpointDir, keepLast: 1, epochs: 1 };

/** As much of a learner as decides the size of its checkpoints: rows of 4 numbers, parameters and two arrays of the optimiser. */
function learnerOf(nRows: number, strata?: number): CollabLearner {
  const start = (n: number) => Uint32Array.from({ length: n + 1 }, (_, b) => (b * nRows) / 2 / n);
  const deals = strata && { users: { start: start(strata) }, items: { start: start(strata) } };
  return {
    embeddings: { layout: { rowStride: 4, nParams: 4 * nRows }, parts: [{ arrays: [1, 2, 3] }] },
    trainer: { epochs: { deals }, stepsPerEpoch: 100 },
  } as unknown as CollabLearner;
}

test('a checkpoint of one file is refused where it would be longer than an array, and one in blocks where a block would', async () => {
  await checkSpace(learnerOf(1000), outputs);
  await checkSpace(learnerOf(1000, 8), outputs);
  const size = /^--checkpoint-dir: a file of a checkpoint takes about \d+ bytes, and may have 4294967296: /;
  await assertRefused(() => checkSpace(learnerOf(2 ** 27), outputs), size, UsageError);
  await assertRefused(() => checkSpace(learnerOf(2 ** 27), outputs), /: train in strata, each of which has its own\.$/, UsageError);
  await assertRefused(() => checkSpace(learnerOf(2 ** 30, 2), outputs), /: give more strata\.$/, UsageError);
  const best = { ...outputs, keepBest: true };
  await assertRefused(() => checkSpace(learnerOf(2 ** 27, 64), best), /: leave out --keep-best\.$/, UsageError);
});

test('what does not fit the disk is refused, with what is free', async () => {
  await assertRefused(
    () => checkSpace(learnerOf(2 ** 31, 64), { ...outputs, keepLast: 10_000, epochs: 10_000 }),
    /^--checkpoint-dir will write about \d+ MB, and only \d+ MB are free on the disk of /,
    UsageError,
  );
});

test.run();
