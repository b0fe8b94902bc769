import { hash32 } from '../../src/base/random.js';

/** Numbers in [0, 1), the same for the same seed. */
export function randomSource(seed: number): () => number {
  let counter = 0;
  return () => hash32(seed, counter++, 0, 0) / 2 ** 32;
}
