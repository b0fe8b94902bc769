import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countDigits, scanDigits, scatterDigits, TILE } from '../../../shaders/batches/sort.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertKernelIsTwin } from '../../helpers/kernel.js';
import { randomSource } from '../../helpers/random.js';
import * as twins from '../../twins/sort.js';

const gpu = await sharedGpu();

for (const batchSize of [1, 255, 256, 257, 700, 16 * 256, 17 * 256 + 1]) {
  for (const [nUsers, nItems] of [
    [3, 500],
    [100_000, 70_000],
  ]) {
    test(`each kernel of the sort is its twin: 2 x 2 segments of ${batchSize}, rows of ${nUsers} users and ${nItems} items`, async () => {
      const random = randomSource(batchSize);
      const nTiles = Math.ceil(batchSize / TILE);
      const nSegments = 4;
      const nGroups = nSegments * nTiles;
      const uniforms = { batchSize, nTiles, nUsers };
      let unsorted = Array.from({ length: nSegments * batchSize }, (_, i) => {
        const [begin, size] = Math.floor(i / batchSize) % 2 === 0 ? [0, nUsers] : [nUsers, nItems];
        return { row: begin + Math.floor(size * random() ** 4), other: i, y: i };
      });
      const drawn = unsorted;
      for (const shift of [0, 8, 16]) {
        const digits = new Uint32Array(nSegments * (nTiles + 1) * TILE);
        const sorted = unsorted.map(() => ({ row: 0, other: 0, y: 0 }));
        const immediates = { nGroups, shift };
        // Each twin changes the arrays as its kernel does.
        const count = { buffers: { unsorted, digits }, uniforms, immediates, groups: nGroups + 2 };
        await assertKernelIsTwin(gpu, countDigits, twins.countDigits, count);
        const scan = { buffers: { digits }, uniforms: { nTiles }, immediates: { nGroups: nSegments }, groups: nSegments + 2 };
        await assertKernelIsTwin(gpu, scanDigits, twins.scanDigits, scan);
        const scatter = { buffers: { unsorted, digits, sorted }, uniforms, immediates, groups: nGroups + 2 };
        await assertKernelIsTwin(gpu, scatterDigits, twins.scatterDigits, scatter);
        unsorted = sorted;
      }
      const wanted = Array.from({ length: nSegments }, (_, s) => drawn.slice(s * batchSize, (s + 1) * batchSize)).flatMap((segment) =>
        segment.toSorted((a, b) => a.row - b.row),
      );
      assert.equal(unsorted, wanted, 'three passes sort, and leave equal rows in their order');
    });
  }
}

test.run();
