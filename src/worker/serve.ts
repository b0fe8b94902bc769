/** `dotbias/worker`: the script of a worker that a page connects to with `connectWorker`. */
import { serveEngine } from './serve-engine.js';

const handle = serveEngine((message, transfer) => globalThis.postMessage(message, { transfer }));
globalThis.addEventListener('message', ({ data }) => handle(data));
