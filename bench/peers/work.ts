/** Writes the work that all rivals do to a folder: ratings, split, starting tables, order of the batches, schedule. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fillInitial, fillPermutation, permutationKey, STREAM } from '../../src/base/random.js';
import { oneCycle } from '../../src/schedule/schedule.js';
import { EPOCHS, LR_MAX, TUTORIAL, split, type Workload } from '../workload.js';

/** What `work.json` holds beside the places of the arrays in `work.bin`. */
export interface Work {
  name: string;
  batchSize: number;
  nSteps: number;
  stepsPerEpoch: number;
  nUsers: number;
  nItems: number;
  /** Of the data, from which dotbias draws the same `order`. */
  seed: number;
  nFactors: number;
  wd: number;
  beta2: number;
  eps: number;
  yRange: readonly [number, number];
}

type Values = Uint32Array | Float32Array | Float64Array;

/**
 * Writes `work.json` and `work.bin`. `initial`: rows of factors and bias, users first. `order`: training rows, batch after batch
 * through all epochs. `lr` and `beta1`: one number per step.
 */
export async function writeWork(folder: string, workload: Workload, batchSize: number, epochs = EPOCHS): Promise<Work> {
  const { nFactors, wd, yRange } = TUTORIAL;
  const data = split(workload, batchSize);
  const { nUsers, nItems, nTrain, seed, train, valid } = data;
  const stepsPerEpoch = Math.floor(nTrain / batchSize);
  const nSteps = epochs * stepsPerEpoch;
  const order = new Uint32Array(nSteps * batchSize);
  const epochOrder = new Uint32Array(nTrain);
  for (let epoch = 0; epoch < epochs; epoch++) {
    fillPermutation(epochOrder, permutationKey(seed, STREAM.ORDER, epoch));
    order.set(epochOrder.subarray(0, stepsPerEpoch * batchSize), epoch * stepsPerEpoch * batchSize);
  }
  const initial = new Float32Array((nUsers + nItems) * (nFactors + 1));
  fillInitial(initial, seed, 0, nUsers + nItems, nFactors + 1);
  const { lr, beta1 } = oneCycle({ totalSteps: nSteps, lrMax: LR_MAX });

  const arrays: Record<string, Values> = {
    lr,
    beta1,
    initial,
    order,
    users: train.users,
    items: train.items,
    ratings: train.ratings,
    validUsers: valid.users,
    validItems: valid.items,
    validRatings: valid.ratings,
  };
  const sizes = { batchSize, nSteps, stepsPerEpoch, nUsers, nItems, nFactors };
  const work: Work = { name: data.name, seed, ...sizes, wd, beta2: 0.99, eps: 1e-8, yRange };
  let offset = 0;
  const places = Object.fromEntries(
    Object.entries(arrays).map(([name, values]) => {
      const place = { type: typeOf(values), offset, length: values.length };
      offset += 8 * Math.ceil(values.byteLength / 8);
      return [name, place];
    }),
  );
  const bytes = new Uint8Array(offset);
  for (const [name, values] of Object.entries(arrays))
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), places[name].offset);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'work.json'), JSON.stringify({ ...work, arrays: places }));
  await writeFile(join(folder, 'work.bin'), bytes);
  return work;
}

function typeOf(values: Values): string {
  if (values instanceof Uint32Array) return 'u32';
  return values instanceof Float32Array ? 'f32' : 'f64';
}
