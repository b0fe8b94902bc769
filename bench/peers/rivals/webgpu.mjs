/** Gives the adapter that dotbias uses to a library that expects a browser, as `navigator.gpu`. */
import { availableParallelism } from 'node:os';
import { openAdapter } from '../../../dist/src/node/device/adapter.js';

/** Name of the adapter. Call it before the library is imported. */
export async function provideWebGpu(adapter) {
  const { gpu, info } = await openAdapter(adapter === '' ? {} : { name: adapter });
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const { gpu: _, ...navigator } = globalThis.navigator ?? {};
  const value = { userAgent: 'Node.js', hardwareConcurrency: availableParallelism(), ...navigator, gpu };
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
  return info.description;
}
