/** The script of a browser's worker that makes windows. */
import { serveWindows } from './serve-windows.js';

const handle = serveWindows((message, transfer) => globalThis.postMessage(message, { transfer }));
globalThis.addEventListener('message', ({ data }) => handle(data));
