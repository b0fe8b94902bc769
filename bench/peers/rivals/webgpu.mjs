/** Gives a library that expects a browser the adapter that dotbias uses, as `navigator.gpu`. */
import { availableParallelism } from 'node:os';
import { openAdapter } from '../../../dist/src/node/adapter.js';

/** Name of the adapter. Call it before the library is imported. */
export async function provideWebGpu(adapter) {
  const { gpu, info } = await openAdapter(adapter === '' ? {} : { name: adapter });
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const { gpu: _, ...navigator } = globalThis.navigator ?? {};
  Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Node.js', hardwareConcurrency: availableParallelism(), ...navigator, gpu }, configurable: true });
  return info.description;
}
