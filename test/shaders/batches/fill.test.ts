import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fill } from '../../../shaders/batches/fill.wgsl.js';
import { CHUNK, NO_CHUNK } from '../../../shaders/ops/structs.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin } from '../../helpers/kernel.js';
import { randomSource } from '../../helpers/random.js';
import { copies as copiesTwin } from '../../twins/copies.js';
import { fill as twin } from '../../twins/fill.js';

const gpu = await sharedGpu();

/** Sorted ratings of a window and its copies; `skew` above 1 favours the first rows of each side. */
function randomWindow(batchSize: number, nUsers: number, nItems: number, nSteps: number, skew: number, seed: number) {
  const random = randomSource(seed);
  const nRows = nUsers + nItems;
  const copyWords = Math.ceil((nSteps + 1) / 32);
  const copies = new Uint32Array(nRows * copyWords);
  const rows = (n: number) => Uint32Array.from({ length: batchSize }, () => Math.floor(n * random() ** skew)).sort();
  const sorted = Array.from({ length: nSteps }, (_, step) => {
    const [users, items] = [rows(nUsers), rows(nItems).map((item) => nUsers + item)];
    for (const row of [...users, ...items]) copies[row * copyWords + (step >> 5)] |= 1 << (step % 32);
    const others = (from: Uint32Array) => from[Math.floor(batchSize * random())];
    const side = (own: Uint32Array, other: Uint32Array) => Array.from(own, (row, i) => ({ row, other: others(other), y: i }));
    return [...side(users, items), ...side(items, users)];
  }).flat();
  copiesTwin({ copies, entries: new Uint32Array(nRows) }, { nRows, copyWords, nSteps });
  const nSlots = Math.min(batchSize, nUsers) + Math.min(batchSize, nItems);
  // What was there before must go.
  const touches = Array.from({ length: nSteps * nSlots }, () => ({ row: 9, begin: 9, end: 9, idleEnd: 9 }));
  const members = sorted.map(() => ({ row: 9, y: 9 }));
  const chunks = new Uint32Array(4 * nSteps * Math.ceil(batchSize / CHUNK)).fill(9);
  return {
    buffers: { sorted, copies, touches, members, chunks },
    uniforms: { batchSize, copyWords, nUsers, nItems },
    immediates: { nSteps },
    threads: 2 * nSteps * batchSize,
  };
}

for (const [batchSize, nUsers, nItems, nSteps] of [
  [1, 5, 7, 33],
  [64, 50, 90, 32],
  [64, 64, 65, 31],
  [300, 40, 1000, 5],
  [257, 1, 1, 2],
  [5000, 30, 6000, 2],
]) {
  for (const skew of [1, 6]) {
    test(`fill is its twin: ${nSteps} batches of ${batchSize}, ${nUsers} users, ${nItems} items, skew ${skew}`, async () => {
      await assertKernelIsTwin(gpu, fill, twin, randomWindow(batchSize, nUsers, nItems, nSteps, skew, 5));
    });
  }
}

test('no two chunks of long rows share a slot, and each tells where it begins', () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 200, max: 900 })), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(lengths, (runs) => {
      const slots = new Map<number, number>();
      let begin = 0;
      for (const length of runs) {
        for (let place = begin; length > CHUNK && place < begin + length; place += CHUNK) {
          const slot = 2 * Math.floor(place / CHUNK) + (place === begin ? 1 : 0);
          assert.not(slots.has(slot), `places ${slots.get(slot)} and ${place}`);
          slots.set(slot, place);
          assert.is(CHUNK * Math.floor(slot / 2) + (begin % CHUNK), place);
        }
        begin += length;
      }
    }),
    { numRuns: 1000 },
  );
});

test('the chunks of a window are those of its long rows', async () => {
  const window = randomWindow(5000, 30, 6000, 2, 6, 5);
  const { uniforms, immediates, buffers } = window;
  twin(buffers, { ...uniforms, ...immediates });
  const isChunk = buffers.chunks.filter((touch) => touch !== NO_CHUNK);
  const wanted = buffers.touches.map(({ begin, end }) => (end - begin > CHUNK ? Math.ceil((end - begin) / CHUNK) : 0));
  assert.is(
    isChunk.length,
    wanted.reduce((sum, n) => sum + n),
  );
  assert.ok(isChunk.length > 20, `${isChunk.length} chunks`);
});

test.run();
