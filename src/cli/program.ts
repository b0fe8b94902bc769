import { Command, CommanderError } from 'commander';
import { VERSION } from '../base/version.js';
import { addDescribe } from './commands/describe.js';
import { addCard } from './commands/card.js';
import { addEvaluate } from './commands/evaluate.js';
import { addExplain } from './commands/explain.js';
import { addExport } from './commands/export.js';
import { addFetch } from './commands/fetch.js';
import { addImport } from './commands/import.js';
import { addInfo } from './commands/info.js';
import { addLrFind } from './commands/lr-find.js';
import { addPrepare } from './commands/prepare.js';
import { addRecommend } from './commands/recommend.js';
import { addReproduce } from './commands/reproduce.js';
import { addServe } from './commands/serve.js';
import { addSweep } from './commands/sweep.js';
import { addTrain } from './commands/train.js';
import { addWgsl } from './commands/wgsl.js';
import { answerDefaults, answerOldFlags } from './options/renamed.js';
import { describeError } from './process/errors.js';
import { checkRanks, endWith } from './process/ranks.js';
import { isSilent, oneSentence } from './process/terminal.js';

/** `dotbias` with all its commands. What Commander refuses, it prints, and throws a CommanderError. */
export function createProgram(): Command {
  const program = new Command('dotbias')
    .description("fastai's collaborative filtering on WebGPU: learns from ratings what a user would give an item.")
    .version(VERSION)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 an error (one line on stderr), 130, 143 or 129 ended by Ctrl-C, SIGTERM or SIGHUP (serve: 0).',
    )
    .configureOutput({
      outputError: (text, write) => write(`${oneSentence(text.trim())}\n`),
      ...(isSilent() && { writeOut: () => undefined, writeErr: () => undefined }),
    })
    .exitOverride();
  for (const add of [
    addTrain,
    addRecommend,
    addExplain,
    addServe,
    addExport,
    addReproduce,
    addCard,
    addEvaluate,
    addSweep,
    addLrFind,
    addFetch,
    addDescribe,
    addPrepare,
    addImport,
    addInfo,
    addWgsl,
  ])
    add(program);
  answerOldFlags(program.commands);
  answerDefaults(program.commands);
  return program;
}

/** Runs a command line to its end. An error is printed and becomes the exit code of the process. */
export async function execute(args: readonly string[], program: Command = createProgram()): Promise<void> {
  let running: Command | undefined;
  program.hook('preAction', (_, command) => {
    running = command;
    checkRanks(command);
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has printed its own message already; help and version come as errors too.
    if (!(error instanceof CommanderError)) await endWith(describeError(error, running));
    else if (error.exitCode !== 0 && isSilent()) await endWith(error.message);
    process.exitCode = error instanceof CommanderError ? error.exitCode : 1;
  }
}
