#!/usr/bin/env node
import { execute } from './program.js';

// A reader that went away (`| head`) is no error: what is left to print is dropped.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

await execute(process.argv.slice(2));
