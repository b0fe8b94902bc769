import type { Command } from 'commander';
import { MAX_STEPS } from '../../base/check.js';
import { counted } from '../../base/count.js';
import type { Ring } from '../../base/ring.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { CheckpointDir } from '../../node/files/checkpoint-dir.js';
import { csvHistory, earlyStopping, keepBest } from '../../train/callbacks.js';
import { resumeWarnings } from '../../train/checkpoint.js';
import type { Callback, Fit } from '../../train/fit.js';
import type { CollabLearner } from '../../train/learner.js';
import type { FitOptions } from '../../train/run-fit.js';
import { describeError, UsageError } from '../process/errors.js';
import { note } from '../process/terminal.js';
import { integer } from './numbers.js';

/** When a run ends early, and with which model. */
export interface StopFlags {
  patience?: number | undefined;
  keepBest?: boolean | undefined;
}

/** What is kept of a run while it goes on, and when it ends early. */
export interface RunFlags extends StopFlags {
  history?: string | undefined;
  tensorboard?: string | undefined;
  checkpointDir?: string | undefined;
  keepLast: number;
  resume?: boolean | undefined;
}

/** Adds `StopFlags`. */
export function addStopOptions(command: Command): Command {
  return command
    .option('--patience <n>', 'end early, after this many epochs in a row without a lower validation loss', integer(1, MAX_STEPS))
    .option('--keep-best', 'end with the model of the epoch that had the lowest validation loss, not of the last one');
}

/** Adds the rest of `RunFlags`: what is kept. */
export function addKeepOptions(command: Command): Command {
  return command
    .option('--history <file>', 'after each epoch, write the table so far as CSV')
    .option('--tensorboard <dir>', 'write losses, rates and errors as event files of TensorBoard into this folder, one folder for each run')
    .option('--checkpoint-dir <dir>', 'after each epoch, save all that is needed to go on from there')
    .option('--keep-last <n>', 'checkpoints to keep', integer(1, MAX_STEPS), 2)
    .option(
      '--resume',
      'go on from the newest checkpoint in --checkpoint-dir, if there is one; the run ends as if it had never been interrupted',
    );
}

/** Options of a fit, and what to say before it. */
export interface Run extends Pick<FitOptions, 'checkpoint' | 'resume'> {
  callbacks: Callback[];
  notes: string[];
}

/** Checks before anything is computed what would fail later. Every rank calls it. @throws UsageError, as `CheckpointDir.share` */
export async function checkRun({ checkpointDir, resume }: RunFlags, ring: Ring): Promise<void> {
  if (resume && checkpointDir === undefined) throw new UsageError('--resume needs --checkpoint-dir, the folder to go on from.');
  if (checkpointDir === undefined) return;
  await new CheckpointDir(checkpointDir).share(ring, { begins: !resume, onWait: note });
}

/** Turns the flags into options of a fit, with the checkpoint to resume from, if there is one. Every rank calls it. */
export async function prepareRun(flags: RunFlags, learn: CollabLearner): Promise<Run> {
  const { patience, keepBest: best, history, tensorboard, checkpointDir, keepLast, resume } = flags;
  const callbacks: Callback[] = [];
  if (patience !== undefined) callbacks.push(earlyStopping({ patience }));
  if (best) callbacks.push(keepBest());
  if (history !== undefined) callbacks.push(csvHistory((csv) => orNote('The history', () => writeFileAtomic(history, csv))));
  if (tensorboard !== undefined) {
    const { tensorBoard } = await import('../../node/track/tensorboard.js');
    callbacks.push(tensorBoard(tensorboard, { onError: (error) => noteUnsaved('The event file', error) }));
  }
  const run: Run = { callbacks, notes: [] };
  if (checkpointDir === undefined) return run;

  const folder = new CheckpointDir(checkpointDir, { keepLast });
  const inBlocks = learn.trainer.epochs.deals !== undefined;
  const save = (fit: Fit, write: () => Promise<void>) => orNote(`The checkpoint after ${counted(fit.records.length, 'epoch')}`, write);
  if (inBlocks) callbacks.push({ onEpoch: (_, fit) => save(fit, () => folder.saveBlocks(fit)) }); // last, with what those before it have
  else run.checkpoint = (bytes, fit) => save(fit, () => folder.save(bytes, fit));
  if (!resume) return run;
  const { checkpoint, file, notes } = await (inBlocks ? folder.newestBlocks(learn) : folder.newest());
  run.notes.push(...notes);
  if (checkpoint === undefined) {
    run.notes.push(`${checkpointDir} holds no checkpoint that can be used: training starts from the beginning.`);
  } else {
    run.resume = checkpoint;
    run.notes.push(...resumeWarnings(checkpoint, learn), `Going on after ${counted(checkpoint.progress.epochs, 'epoch')}, from ${file}.`);
  }
  return run;
}

/** Writes what is not the result itself: a full disk must not end hours of training. */
async function orNote(what: string, write: () => Promise<void>): Promise<void> {
  await write().catch((error: Error) => noteUnsaved(what, error));
}

function noteUnsaved(what: string, error: Error): void {
  note(`${what} was not saved, and training goes on: ${describeError(error)}`);
}
