#!/usr/bin/env node
import { tmpdir } from 'node:os';
import { cacheDir } from '../node/disk/cache.js';
import { removeLeftovers } from '../node/disk/leftovers.js';
import { systemSentence } from './process/errors.js';
import { cleanUpOnSignals } from './process/interrupt.js';
import { joinRanks } from './process/ranks.js';
import { note } from './process/terminal.js';
import { execute } from './program.js';

// A reader that went away (`| head`) or a terminal that was closed is no error: what is left to print is dropped. Nor does a
// full disk under the output end the work: its other results can still be saved.
for (const stream of [process.stdout, process.stderr]) {
  let failed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (failed || ['EPIPE', 'EIO', 'ENXIO'].includes(error.code ?? '')) return;
    failed = true;
    process.exitCode = 1;
    if (stream === process.stdout) note(`error: ${systemSentence(Object.assign(error, { path: 'standard output' }))}`);
  });
}

joinRanks();
cleanUpOnSignals();
for (const folder of [tmpdir(), cacheDir()]) void removeLeftovers(folder);
await execute(process.argv.slice(2));
