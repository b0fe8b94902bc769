import { once } from 'node:events';
import type { Command } from 'commander';
import { type ModelServer, serveModel } from '../../node/serve/serve-model.js';
import { integer, notNegative } from '../options/numbers.js';
import { addSavedModelOptions, type SavedModelFlags } from '../options/saved-model.js';
import { deviceLine } from '../print/head.js';
import { interruptible } from '../process/interrupt.js';
import { note, print } from '../process/terminal.js';

interface ServeFlags extends SavedModelFlags {
  port: number;
  host: string;
  watch?: boolean | undefined;
  maxDelay: number;
  maxWaiting: number;
}

/** Adds `dotbias serve`. */
export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .summary('answer from a model over HTTP')
    .description(
      'Answers over HTTP: recommendations for users of the model and for new ones, and similar items; see docs/serve.md. ' +
        'SIGHUP loads the model file anew. Ctrl-C or SIGTERM ends it once all that was asked has been answered. ' +
        'There is no authentication: put it behind a proxy.',
    );
  addSavedModelOptions(command)
    .option('--port <number>', 'port; 0 takes one that is free', integer(0, 65_535), 8080)
    .option('--host <address>', 'address to listen on; 0.0.0.0 or :: lets other machines in', '127.0.0.1')
    .option('--watch', 'load the model file anew whenever it has changed')
    .option('--max-delay <ms>', 'how long a request may wait for others to join it, in milliseconds', notNegative, 0)
    .option('--max-waiting <count>', 'requests that may wait; further ones are answered with 503', integer(1, 1_000_000), 1024)
    .action(serve);
}

async function serve({ model, adapter, memoryBudget, port, host, watch, maxDelay, maxWaiting }: ServeFlags): Promise<void> {
  let server: ModelServer | undefined;
  const reload = () => void server?.reload();
  process.on('SIGHUP', reload);
  try {
    await interruptible(
      async ({ signal }) => {
        server = await serveModel(model, {
          quiet: true,
          name: adapter,
          memoryBudget: memoryBudget && 2 ** 30 * memoryBudget,
          port,
          host,
          watch,
          maxDelayMs: maxDelay,
          maxWaiting,
          onEvent: note,
        });
        print(deviceLine(server.device));
        print(`Serving ${model} at ${server.url}; Ctrl-C ends it.`);
        if (!signal.aborted) await once(signal, 'abort');
        note('Ending: what has been asked is answered first.');
        await server.close();
      },
      ['SIGINT', 'SIGTERM'],
    );
  } finally {
    process.off('SIGHUP', reload);
  }
}
