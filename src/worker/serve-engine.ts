import { openGpu, type OpenGpuOptions } from '../gpu/acquire.js';
import type { Gpu } from '../gpu/gpu.js';
import { WorkerEngine } from './engine.js';
import { EXPOSED } from './exposed.js';
import type { Message } from './messages.js';
import { WorkerSide } from './worker-side.js';

/**
 * What a worker does with each message of its page.
 *
 * @param post sends a message to the page; the buffers in `transfer` move along
 * @param open opens a device. Default: `navigator.gpu`'s
 */
export function serveEngine(
  post: (message: unknown, transfer: ArrayBuffer[]) => void,
  open: (options?: OpenGpuOptions) => Promise<Gpu> = openGpu,
): (message: unknown) => void {
  const side = new WorkerSide(post, new WorkerEngine(open), EXPOSED);
  return (message) => side.receive(message as Message);
}
