/** A feature that runs out of memory, again and again, at every place where it can. */
import { setTimeout } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { MemoryBudgetError } from '../../src/base/errors.js';
import type { Gpu } from '../../src/gpu/gpu.js';

/**
 * Runs a feature until it succeeds, each time with one buffer more before the memory budget is used up, as if by somebody
 * else. Asserts that each refusal is a `MemoryBudgetError` and leaves nothing allocated, and that the feature gives back
 * what it allocated.
 *
 * @returns the labels of the buffers that were refused, in order
 */
export async function refuseEachAllocation(gpu: Gpu, feature: () => Promise<unknown>): Promise<string[]> {
  const { memoryBudget, allocated } = gpu;
  const createBuffer = gpu.createBuffer.bind(gpu);
  const budget = (bytes: number) => Object.assign(gpu, { memoryBudget: bytes });
  const refused: string[] = [];
  try {
    for (;;) {
      let nMade = 0;
      gpu.createBuffer = (label, bytes, usage) => {
        if (nMade++ === refused.length) {
          refused.push(label);
          nMade = Infinity;
          budget(gpu.allocated);
        }
        return createBuffer(label, bytes, usage);
      };
      const error: unknown = await feature().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      budget(memoryBudget);
      await gpu.idle();
      // What ran beside the refused call ends in its own time, on a busy machine too. Only a leak waits to the end.
      for (const end = Date.now() + 10_000; gpu.allocated > allocated && Date.now() < end;) await setTimeout(1);
      const label = nMade === Infinity ? refused.at(-1) : 'nothing';
      assert.is(gpu.allocated, allocated, `left allocated after ${label} was refused`);
      if (nMade < Infinity) {
        if (error !== undefined) throw error;
        return refused;
      }
      assert.instance(error, MemoryBudgetError, `refused ${label}: ${String(error)}`);
    }
  } finally {
    budget(memoryBudget);
    Reflect.deleteProperty(gpu, 'createBuffer');
  }
}
