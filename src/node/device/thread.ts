import { Worker } from 'node:worker_threads';
import type { Thread } from '../../gpu/thread.js';

/** Starts the thread that makes batches. Once it is ready it opens no files. */
export function windowThread(script = new URL('./window-worker.js', import.meta.url)): Thread {
  const worker = new Worker(script, { execArgv: [], name: 'batches' });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen(onMessage, onFailure) {
      worker.on('message', onMessage);
      worker.on('messageerror', ({ message }) => onFailure(message));
      worker.on('error', ({ message }) => onFailure(message));
      worker.on('exit', (code) => onFailure(`it exited with code ${code}`));
    },
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
}
