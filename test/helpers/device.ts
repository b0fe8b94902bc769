/** The adapter that tests run on: the best there is, or the one that DOTBIAS_TEST_ADAPTER names. */
import { openAdapter, type OpenedAdapter } from '../../src/node/device/adapter.js';

let opened: Promise<OpenedAdapter> | undefined;

/** The adapter of this process, opened once. Its `adapter` gives one device only; for more, see `testAdapter`. */
export function testGpu(): Promise<OpenedAdapter> {
  const name = process.env['DOTBIAS_TEST_ADAPTER'];
  opened ??= openAdapter(name ? { name } : {});
  return opened;
}

/** A fresh `GPUAdapter` for the same adapter at every call: each gives one device. */
export async function testAdapter(): Promise<GPUAdapter> {
  const { gpu } = await testGpu();
  return (await gpu.requestAdapter({ powerPreference: 'high-performance' }))!;
}
