/** dotbias itself. Variant: the stepper. */
import { CollabData } from '../../../dist/src/data/collab-data.js';
import { collabLearner } from '../../../dist/src/train/make-learner.js';
import { openGpu } from '../../../dist/src/node/device/device.js';
import { threadsFor } from '../../../dist/src/node/device/threads.js';
import { adapterText } from '../../../dist/src/cli/print/head.js';
import { FEWEST_STEPS, main } from './harness.mjs';

await main(async (work, stepper, adapter) => {
  const { users, items, ratings, validUsers, validItems, validRatings, seed, batchSize, nFactors, wd, yRange, lr, beta1 } = work;
  const { gpu, info } = await openGpu({ name: adapter || undefined, softwareThreads: threadsFor({ batchSize, nFactors }) });
  // Ids are table rows, and become the same rows again, since each occurs in training. The seed gives the order of the work.
  const valid = { users: validUsers, items: validItems, ratings: validRatings };
  const data = CollabData.fromSplit({ users, items, ratings }, valid, { batchSize, seed });
  const learn = await collabLearner(data, { nFactors, wd, yRange, stepper, gpu, init: tablesOf(work) });
  const zero = await learn.embeddings.readState();
  return {
    device: adapterText(info),
    chunk: Infinity,
    reset() {
      learn.embeddings.writeState(zero);
      Object.assign(learn.trainer, { stepCount: 0, epochCount: 0 });
    },
    async run(first, steps, seconds = Infinity) {
      if (first !== 0) throw new RangeError('dotbias runs from the first step');
      const losses = [];
      const stop = new AbortController();
      const end = performance.now() + 1000 * seconds;
      const schedule = { lr: lr.slice(0, steps), beta1: beta1.slice(0, steps), end: { lr: lr.at(-1), beta1: beta1.at(-1) } };
      const onSteps = (step, chunk) => {
        chunk.forEach((loss, i) => (losses[step + i] = loss));
        if (losses.length >= FEWEST_STEPS && performance.now() > end) stop.abort();
      };
      await learn.trainer.fit(schedule, { onSteps, signal: stop.signal });
      return losses;
    },
    async tables() {
      const { userFactors, itemFactors, userBias, itemBias } = await learn.embeddings.readTables();
      return packTables(nFactors, [userFactors, userBias], [itemFactors, itemBias]);
    },
  };
});

function tablesOf({ nUsers, nItems, nFactors, initial }) {
  const stride = nFactors + 1;
  const side = (first, n) => [
    Float32Array.from({ length: n * nFactors }, (_, i) => initial[(first + Math.floor(i / nFactors)) * stride + (i % nFactors)]),
    Float32Array.from({ length: n }, (_, row) => initial[(first + row) * stride + nFactors]),
  ];
  const [userFactors, userBias] = side(0, nUsers);
  const [itemFactors, itemBias] = side(nUsers, nItems);
  return { userFactors, itemFactors, userBias, itemBias };
}

/** Rows of factors and bias. */
function packTables(nFactors, ...sides) {
  const rows = [];
  for (const [factors, biases] of sides) {
    biases.forEach((bias, row) => rows.push(...factors.subarray(row * nFactors, (row + 1) * nFactors), bias));
  }
  return Float32Array.from(rows);
}
