/** The adapter that tests run on: the best there is, or the one that DOTBIAS_TEST_ADAPTER names. */
import { NoAdapterError } from '../../src/base/errors.js';
import { openAdapter, type OpenedAdapter } from '../../src/node/device/adapter.js';
import { SKIPPED_WITHOUT_ADAPTER } from './run-file.js';

const name = process.env['DOTBIAS_TEST_ADAPTER'];
/** Options for `openAdapter` and `openGpu` that name that adapter. */
export const testAdapterName: { name?: string } = name ? { name } : {};

/** What was opened. Without an adapter it is null if DOTBIAS_TEST_SKIP is `no-adapter`; all else that goes wrong is a failure. */
export function orNull<T>(opening: Promise<T>): Promise<T | null> {
  return opening.catch((error: unknown) => {
    if (!(error instanceof NoAdapterError) || process.env['DOTBIAS_TEST_SKIP'] !== 'no-adapter') throw error;
    console.log(SKIPPED_WITHOUT_ADAPTER);
    return null;
  });
}

/** What was opened, for a file of which every test needs it: where `orNull` gives null, the file ends here. */
export async function orEnd<T>(opening: Promise<T>): Promise<T> {
  return (await orNull(opening)) ?? process.exit();
}

let opened: Promise<OpenedAdapter> | undefined;

/** The adapter of this process, opened once. Its `adapter` gives one device only; for more, see `testAdapter`. */
export function testGpu(): Promise<OpenedAdapter> {
  opened ??= openAdapter(testAdapterName);
  return opened;
}

/** A fresh `GPUAdapter` for the same adapter at every call: each gives one device. */
export async function testAdapter(): Promise<GPUAdapter> {
  const { gpu } = await testGpu();
  return (await gpu.requestAdapter({ powerPreference: 'high-performance' }))!;
}
