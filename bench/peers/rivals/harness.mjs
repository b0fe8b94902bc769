/**
 * What every JavaScript rival shares: the work comes from files that dotbias wrote, the result goes out as one line of
 * JSON. A rival is `create(work, variant, adapter)`, which returns
 *   device     name of what computes
 *   chunk      steps between two readbacks of the losses
 *   reset()    back to the initial tables, moments zero
 *   run(first, n, seconds)  steps first to first + n - 1; resolves, when they are done, to their losses. May stop before the
 *              end once so much time has passed, which one does whose chunk is long
 *   tables()   resolves to the parameters as one Float32Array of nUsers + nItems rows: factors, then bias
 */
import { readFileSync } from 'node:fs';

const TYPES = { u32: Uint32Array, f32: Float32Array, f64: Float64Array };

/** Sizes, options and arrays of the work in a folder. */
export function readWork(folder) {
  const { arrays, ...work } = JSON.parse(readFileSync(`${folder}/work.json`, 'utf8'));
  const { buffer } = new Uint8Array(readFileSync(`${folder}/work.bin`));
  for (const [name, { type, offset, length }] of Object.entries(arrays)) work[name] = new TYPES[type](buffer, offset, length);
  return work;
}

/** Copies the ratings of a batch into typed arrays; item rows come after the user rows. */
export function batchOf({ order, batchSize, users, items, ratings, nUsers }, step, out) {
  for (let k = 0; k < batchSize; k++) {
    const row = order[step * batchSize + k];
    out.users[k] = users[row];
    out.items[k] = nUsers + items[row];
    out.y[k] = ratings[row];
  }
  return out;
}

/** The numbers that Adam needs for step k, in float64. */
export function rateOf({ lr, beta1, beta2 }, k) {
  return { lr: lr[k], beta1: beta1[k], stepSize: lr[k] / (1 - beta1[k] ** (k + 1)), vScale: 1 / Math.sqrt(1 - beta2 ** (k + 1)) };
}

/** Mean squared error on the validation set. */
export function validMse({ validUsers, validItems, validRatings, nUsers, nFactors, yRange: [lo, hi] }, tables) {
  const stride = nFactors + 1;
  let sum = 0;
  for (let k = 0; k < validRatings.length; k++) {
    const u = validUsers[k] * stride;
    const i = (nUsers + validItems[k]) * stride;
    let z = tables[u + nFactors] + tables[i + nFactors];
    for (let f = 0; f < nFactors; f++) z += tables[u + f] * tables[i + f];
    sum += (lo + (hi - lo) / (1 + Math.exp(-z)) - validRatings[k]) ** 2;
  }
  return sum / validRatings.length;
}

/** Chunks of steps are run for at least so long before the clock starts. */
const WARM_UP_SECONDS = 0.5;

/** So many are made whatever time they take, that losses can be compared. */
export const FEWEST_STEPS = 16;

/** Runs a rival from the command line: FOLDER VARIANT SECONDS [ADAPTER]. Stops after SECONDS of training, or at the end. */
export async function main(create) {
  const [folder, variant, budget, adapter] = process.argv.slice(2);
  const work = readWork(folder);
  const seconds = (since) => (performance.now() - since) / 1000;
  const started = performance.now();
  const rival = await create(work, variant, adapter ?? '');
  await rival.reset();
  await rival.run(0, Math.min(work.nSteps, 2));
  const startSeconds = seconds(started);
  const chunk = Math.min(work.nSteps, rival.chunk);
  const warmed = performance.now();
  do {
    await rival.reset();
    await rival.run(0, chunk, WARM_UP_SECONDS);
  } while (seconds(warmed) < WARM_UP_SECONDS);
  await rival.reset();

  const losses = [];
  const begun = performance.now();
  while (losses.length < work.nSteps && (losses.length < FEWEST_STEPS || seconds(begun) < Number(budget))) {
    losses.push(...(await rival.run(losses.length, Math.min(chunk, work.nSteps - losses.length), Number(budget))));
    if (chunk === work.nSteps) break;
  }
  const trainSeconds = seconds(begun);
  const mse = losses.length === work.nSteps ? validMse(work, await rival.tables()) : null;
  const result = { device: rival.device, nSteps: losses.length, seconds: trainSeconds, startSeconds, mse, losses };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}
