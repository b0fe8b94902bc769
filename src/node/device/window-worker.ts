/** The script of Node's worker thread that makes windows: only the way in which messages come is Node's. */
import { parentPort } from 'node:worker_threads';
import { serveWindows } from '../../steps/serve-windows.js';

const port = parentPort!;
port.on(
  'message',
  serveWindows((message, transfer) => port.postMessage(message, transfer)),
);
