/** A page and its worker in one process, at both ends of a channel. */
import type { Gpu } from '../../src/gpu/gpu.js';
import { connectWorker, type Engine } from '../../src/worker/client.js';
import type { Message } from '../../src/worker/messages.js';
import { serveEngine } from '../../src/worker/serve-engine.js';

/** Does some work with an engine that opens `gpu`. @param work is given the messages that have passed, in order, too */
export async function withEngine<T>(gpu: Gpu, work: (engine: Engine, messages: Message[]) => Promise<T>): Promise<T> {
  const { port1, port2 } = new MessageChannel();
  const messages: Message[] = [];
  const handle = serveEngine(
    (message, transfer) => {
      messages.push(message as Message);
      port2.postMessage(message, transfer);
    },
    () => Promise.resolve(gpu),
  );
  port2.addEventListener('message', ({ data }) => {
    messages.push(data as Message);
    handle(data);
  });
  port2.start();
  try {
    return await work(connectWorker(port1), messages);
  } finally {
    port1.close();
  }
}
