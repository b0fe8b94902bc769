import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CHUNK, Member, NO_CHUNK, RowTouch } from '../../shaders/ops/structs.js';
import { permutationKey, permute, STREAM } from '../../src/base/random.js';
import { CollabData } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';
import type { Ratings } from '../../src/data/ratings.js';
import type { Gpu } from '../../src/gpu/gpu.js';
import { compileBatches, DeviceBatches } from '../../src/steps/device-batches.js';
import { dynamicUniformGpu, sharedGpu } from '../helpers/gpu.js';
import { randomRatings } from '../helpers/training.js';
import { assertWindow, windowSpec } from '../helpers/window-spec.js';

interface Shape {
  train: Ratings;
  nUsers: number;
  nItems: number;
  batchSize: number;
  maxSteps: number;
  /** Steps to make in all, from the start of the epoch on. Default: all. */
  nSteps?: number | undefined;
}

const KEY = permutationKey(42, STREAM.ORDER, 3);
const total = { windows: 0, rows: 0, members: 0 };

/** Makes an epoch, or its first steps, window by window, and holds each to its specification. */
async function assertEpoch(gpu: Gpu, { train, nUsers, nItems, batchSize, maxSteps, nSteps }: Shape): Promise<number> {
  const n = train.ratings.length;
  const steps = nSteps ?? Math.floor(n / batchSize);
  const pipelines = await compileBatches(gpu);
  return gpu.withScope(async (scope) => {
    const batches = new DeviceBatches(scope, pipelines, train, { nUsers, nItems, batchSize, maxSteps });
    let nChunks = 0;
    for (let begin = 0; begin < steps; begin += maxSteps) {
      const window = { key: KEY, first: begin * batchSize, nSteps: Math.min(maxSteps, steps - begin) };
      const order = Uint32Array.from({ length: window.nSteps * batchSize }, (_, k) => permute(n, KEY, window.first + k));
      const start = Array.from({ length: window.nSteps + 1 }, (_, s) => s * batchSize);
      const spec = windowSpec({ ...train, order, start, nUsers, nRows: nUsers + nItems });
      const recorder = gpu.record('window', { slots: scope.slots(batches.nDispatches) });
      batches.record(recorder, window).submit();
      const touches = await gpu.readWords(batches.touches, 0, RowTouch.size * batches.nSlots * window.nSteps);
      const members = await gpu.readWords(batches.members, 0, 2 * Member.size * order.length);
      const firstTouch = start.map((_, s) => s * batches.nSlots);
      const compared = assertWindow(spec, { touches, firstTouch, members, entries: await gpu.readWords(batches.entries) });
      total.windows++;
      total.rows += compared.rows;
      total.members += compared.members;
      assert.is(compared.members, 2 * order.length);
      nChunks += await assertSlots(gpu, batches, touches, batchSize, nUsers, nItems, window.nSteps);
    }
    return nChunks;
  });
}

/** Asserts that touches are in the slots of their rows or first ratings, and that exactly the chunks of long rows are listed. */
async function assertSlots(
  gpu: Gpu,
  { nSlots, nUserSlots, nBlocks, chunks }: DeviceBatches,
  touches: Uint32Array,
  batchSize: number,
  nUsers: number,
  nItems: number,
  nSteps: number,
): Promise<number> {
  const wanted = new Uint32Array(4 * nBlocks * nSteps).fill(NO_CHUNK);
  let nChunks = 0;
  for (let slot = 0; slot < nSlots * nSteps; slot++) {
    const [place, begin, end] = touches.subarray(RowTouch.size * slot);
    if (begin === end) continue;
    const row = place >>> 1;
    const side = row < nUsers ? 0 : 1;
    const segment = 2 * Math.floor(slot / nSlots) + side;
    const [inSide, inSegment] = [(slot % nSlots) - side * nUserSlots, begin - segment * batchSize];
    const slotPerRow = batchSize >= [nUsers, nItems][side];
    if (inSide !== (slotPerRow ? row - side * nUsers : inSegment))
      assert.unreachable(`row ${row} of segment ${segment} is in slot ${slot}`);
    for (let at = begin; end - begin > CHUNK && at < end; at += CHUNK, nChunks++) {
      wanted[2 * (segment * nBlocks + Math.floor((at - segment * batchSize) / CHUNK)) + (at === begin ? 1 : 0)] = slot;
    }
  }
  assert.equal(await gpu.readWords(chunks, 0, wanted.length), wanted);
  return nChunks;
}

const gpu = await sharedGpu();
const planted = CollabData.fromArrays(plantedRatings().columns, { batchSize: 64 });
const sets: [string, CollabData, ...number[]][] = [['planted ratings', planted, 1, 64, 300, 4096, 65_536]];
const movielens = process.env['MOVIELENS_DIR'];
if (movielens === undefined) console.log('skipped: batches of MovieLens-100K; set MOVIELENS_DIR to the folder that holds ml-100k');
else {
  const lines = readFileSync(join(movielens, 'ml-100k', 'u.data'), 'utf8')
    .trim()
    .split('\n');
  const rows = lines.map((line) => line.split('\t').map(Number) as [user: number, item: number, rating: number]);
  sets.push(['MovieLens-100K', CollabData.fromRows(rows, { batchSize: 64 }), 64, 4096]);
}

for (const [name, { train, nUsers, nItems }, ...sizes] of sets) {
  for (const [batchSize, maxSteps, nSteps] of [
    [64, 1024, undefined],
    [1, 150, 200],
    [300, 60, 100],
    [4096, 8, undefined],
    [65_536, 1, undefined],
  ] as const) {
    if (!sizes.includes(batchSize)) continue;
    test(`batches of ${batchSize} are the specified ones, ${nSteps ?? 'a whole epoch of'} steps of ${name}`, async () => {
      const nChunks = await assertEpoch(gpu, { train, nUsers, nItems, batchSize, maxSteps, nSteps });
      if (batchSize > 60_000) assert.ok(nChunks > 50, `${nChunks} chunks`);
    });
  }
}

test('batches of 65,536 of the shape of MovieLens-1M', async () => {
  const [nUsers, nItems] = [6041, 3707];
  const train = randomRatings({ nUsers, nItems }, 131_100 + 65_536, 5);
  const nChunks = await assertEpoch(gpu, { train, nUsers, nItems, batchSize: 65_536, maxSteps: 2 });
  assert.ok(nChunks > 0);
});

test('rows of three digits, of which most are never touched', async () => {
  const [nUsers, nItems] = [70_000, 66_000];
  const train = randomRatings({ nUsers, nItems }, 40_000, 6);
  await assertEpoch(gpu, { train, nUsers, nItems, batchSize: 512, maxSteps: 40 });
});

for (const [nUsers, nItems, batchSize] of [
  [1, 1, 5],
  [2, 300, 257],
  [256, 257, 256],
] as const) {
  test(`tables of ${nUsers} and ${nItems} rows, batches of ${batchSize}`, async () => {
    const train = randomRatings({ nUsers, nItems }, 40 * batchSize, 7);
    await assertEpoch(gpu, { train, nUsers, nItems, batchSize, maxSteps: 31 });
  });
}

test('the same window where WGSL has no immediates', async () => {
  const { train, nUsers, nItems } = planted;
  await assertEpoch(await dynamicUniformGpu(), { train, nUsers, nItems, batchSize: 64, maxSteps: 20, nSteps: 50 });
});

test('a window beyond the epoch or beyond its room is refused', async () => {
  const { train, nUsers, nItems } = planted;
  const pipelines = await compileBatches(gpu);
  await gpu.withScope(async (scope) => {
    const batches = new DeviceBatches(scope, pipelines, train, { nUsers, nItems, batchSize: 64, maxSteps: 10 });
    const record = (first: number, nSteps: number) => () => batches.record(gpu.record(), { key: 1, first, nSteps });
    assert.throws(record(0, 11), /no room for 11 steps of 64 ratings from place 0 on/);
    assert.throws(record(train.ratings.length - 63, 1), RangeError);
  });
});

test.after(() => console.log(`note: ${JSON.stringify(total)} compared on ${gpu.info.description}`));

test.run();
