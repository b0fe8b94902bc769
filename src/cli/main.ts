#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { VERSION } from '../base/version.js';
import { describeError } from './process/errors.js';
import { addEvaluate } from './commands/evaluate.js';
import { addExplain } from './commands/explain.js';
import { addImport } from './commands/import.js';
import { addInfo } from './commands/info.js';
import { addLrFind } from './commands/lr-find.js';
import { addRecommend } from './commands/recommend.js';
import { addSweep } from './commands/sweep.js';
import { addTrain } from './commands/train.js';
import { addWgsl } from './commands/wgsl.js';

// A reader that went away (`| head`) is no error: what is left to print is dropped.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const program = new Command('dotbias')
  .description("fastai's collaborative filtering on WebGPU: learns from ratings what a user would give an item.")
  .version(VERSION)
  .addHelpText('after', '\nExit codes: 0 done, 1 an error (one line on stderr), 130 interrupted.')
  .exitOverride();
for (const add of [addTrain, addRecommend, addExplain, addEvaluate, addSweep, addLrFind, addImport, addInfo, addWgsl]) add(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own message already; help and version come as errors too.
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    console.error(describeError(error));
    process.exitCode = 1;
  }
}
