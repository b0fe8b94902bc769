/** Lazy steps have the same bits however their batches are made, their steps are counted and their lanes add up. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { fillPermutation } from '../../src/base/random.js';
import { EmbeddingTables } from '../../src/model/tables.js';
import { oneCycle } from '../../src/schedule/schedule.js';
import { denseStepper } from '../../src/steps/dense.js';
import { meanLosses } from '../../src/steps/batch-losses.js';
import { lazyStepper } from '../../src/steps/lazy.js';
import type { LazyMapping } from '../../src/steps/lazy-mapping.js';
import type { BatchesOn } from '../../src/steps/stepper.js';
import { sharedGpu } from '../helpers/gpu.js';
import { cosine } from '../helpers/ops.js';
import { assertSameTraining, type Outcome, randomRatings, randomTables, sameBits, stepOptions } from '../helpers/training.js';

const gpu = await sharedGpu();
const KEY = 4711;

interface Case {
  batchSize: number;
  nSteps: number;
  /** Steps of a window. */
  maxSteps: number;
  nUsers?: number;
  nItems?: number;
  score?: typeof dotProduct;
}

function problemOf({ batchSize, nSteps, nUsers = 50, nItems = 30, score = dotProduct }: Case) {
  const shape = { nUsers, nItems, nFactors: 21, hasBias: true };
  const train = randomRatings(shape, batchSize * nSteps, 3);
  const order = new Uint32Array(train.ratings.length);
  fillPermutation(order, KEY);
  // Steps on both sides of the first that needs no replay.
  const schedule = oneCycle({ totalSteps: nSteps, lrMax: 0.02 });
  return {
    shape,
    train,
    tables: randomTables(shape, 1),
    options: stepOptions({ batchSize, score, optimizer: adam({ eps: 1e-5 }), wdBias: 0.2 }),
    schedules: [schedule],
    order: () => order,
  };
}

/** By lazy steps of a mapping, or by dense ones. */
async function train(each: Case, mapping: LazyMapping | 'dense', batches: BatchesOn = 'host'): Promise<Outcome> {
  const { shape, train: ratings, tables: start, options, schedules, order } = problemOf(each);
  const tables = new EmbeddingTables(gpu, shape, { nCopies: 2, nState: 2 });
  tables.writeTables(start);
  const { maxSteps, batchSize, nSteps } = each;
  const input = { tables, train: ratings, options, maxSteps, batches };
  const stepper = mapping === 'dense' ? await denseStepper(input) : await lazyStepper(input, false, mapping);
  assert.is(stepper.batches ?? 'host', batches);
  await stepper.begin(schedules[0], 200);
  const losses: number[] = [];
  for (let step = 0; step < nSteps; step += maxSteps) {
    const length = Math.min(maxSteps, nSteps - step) + 1;
    await stepper.run({ order: order(), key: KEY, start: Uint32Array.from({ length }, (_, s) => (step + s) * batchSize) }, step);
    losses.push(...meanLosses([await stepper.readLosses()], 1, batchSize));
  }
  const { param, m, v } = await tables.readState();
  stepper.release();
  tables.release();
  return { losses, param, m: m!, v: v! };
}

const PLAIN: LazyMapping = { lanes: 1, shuffles: false, splitsLongRows: false, counts: false };
const widest = [16, 8, 4, 2].find((lanes) => lanes <= gpu.smallestSubgroup);

const CASES: Record<string, Case> = {
  'small batches': { batchSize: 16, nSteps: 40, maxSteps: 13 },
  'batches with more users than rows': { batchSize: 300, nSteps: 8, maxSteps: 3, nUsers: 400 },
  'long rows': { batchSize: 1500, nSteps: 4, maxSteps: 2, nUsers: 7, nItems: 5 },
  'a score with three sums': { batchSize: 32, nSteps: 12, maxSteps: 12, score: cosine },
};

for (const [name, each] of Object.entries(CASES)) {
  const mappings = [PLAIN, { ...PLAIN, lanes: 8 }, ...(widest === undefined ? [] : [{ ...PLAIN, lanes: widest, shuffles: true }])];
  for (const mapping of mappings) {
    const what = `${name}, ${mapping.lanes} lanes${mapping.shuffles ? ' by shuffles' : ''}`;
    test(`host- and device-made batches, and steps that the kernel counts, have the same bits: ${what}`, async () => {
      const host = await train(each, mapping, 'host');
      for (const [batches, counts] of [
        ['device', false],
        ['host', true],
        ['device', true],
      ] as const) {
        const other = await train(each, { ...mapping, counts }, batches);
        for (const part of ['param', 'm', 'v'] as const) assert.ok(sameBits(host[part], other[part]), `${batches}, ${counts}: ${part}`);
        assertSameTraining(other, host, 'losses');
      }
      assertSameTraining(host, await train(each, 'dense'), 'beside dense');
    });
  }
  if (widest !== undefined) {
    test(`lanes that shuffle and lanes that do not have the same bits: ${name}`, async () => {
      const [a, b] = [
        await train(each, { ...PLAIN, lanes: widest, shuffles: true }, 'host'),
        await train(each, { ...PLAIN, lanes: widest }, 'host'),
      ];
      for (const part of ['losses', 'param', 'm', 'v'] as const) assert.ok(sameBits(a[part], b[part]), part);
    });
  }
}

test('long rows that are split have the same bits by host- and device-made batches, and near those of rows that are not', async () => {
  const each = CASES['long rows'];
  for (const mapping of [
    { ...PLAIN, lanes: 8, splitsLongRows: true },
    ...(widest ? [{ ...PLAIN, lanes: widest, shuffles: true, splitsLongRows: true }] : []),
  ]) {
    const host = await train(each, mapping, 'host');
    const device = await train(each, mapping, 'device');
    for (const part of ['param', 'm', 'v'] as const) assert.ok(sameBits(host[part], device[part]), part);
    assertSameTraining(host, await train(each, { ...mapping, splitsLongRows: false }, 'host'), 'beside rows that are not split');
  }
});

test.run();
