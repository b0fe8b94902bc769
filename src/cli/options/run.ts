import type { Command } from 'commander';
import { type Callback, csvHistory, earlyStopping, keepBest } from '../../train/callbacks.js';
import { resumeWarnings } from '../../train/checkpoint.js';
import type { CollabLearner, FitOptions } from '../../train/learner.js';
import { CheckpointDir } from '../../node/files/checkpoint-dir.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { integer } from './numbers.js';
import { checkWritable } from './outputs.js';

/** What is kept of a run while it goes on, and when it ends early. */
export interface RunFlags {
  patience?: number;
  keepBest?: boolean;
  history?: string;
  checkpointDir?: string;
  keepLast: number;
  resume?: boolean;
}

export function addRunOptions(command: Command): Command {
  return command
    .option('--patience <n>', 'end early, after this many epochs in a row without a lower validation loss', integer(1))
    .option('--keep-best', 'end with the model of the epoch with the lowest validation loss, not of the last')
    .option('--history <file>', 'after each epoch, write the table so far as CSV')
    .option('--checkpoint-dir <dir>', 'after each epoch, save there all that is needed to go on')
    .option('--keep-last <n>', 'checkpoints to keep', integer(1), 2)
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

/** Checks before anything is computed what would fail later. */
export async function checkRun({ checkpointDir, resume, history }: RunFlags): Promise<void> {
  if (resume && checkpointDir === undefined) throw new RangeError('--resume needs --checkpoint-dir, the folder to go on from.');
  await checkWritable(history);
  if (checkpointDir !== undefined && !resume) await new CheckpointDir(checkpointDir).begin();
}

export async function prepareRun(
  { patience, keepBest: best, history, checkpointDir, keepLast, resume }: RunFlags,
  learn: CollabLearner,
): Promise<Run> {
  const callbacks: Callback[] = [];
  if (patience !== undefined) callbacks.push(earlyStopping({ patience }));
  if (best) callbacks.push(keepBest());
  if (history !== undefined) callbacks.push(csvHistory((csv) => writeFileAtomic(history, csv)));
  const run: Run = { callbacks, notes: [] };
  if (checkpointDir === undefined) return run;

  const folder = new CheckpointDir(checkpointDir, { keepLast });
  run.checkpoint = async (bytes, fit) => {
    // A full disk must not end hours of training.
    await folder
      .save(bytes, fit)
      .catch((error: Error) =>
        console.error(`The checkpoint after ${fit.records.length} epochs was not saved, training goes on: ${error.message}`),
      );
  };
  if (!resume) return run;
  const { checkpoint, file, notes } = await folder.newest();
  run.notes.push(...notes);
  if (checkpoint === undefined) {
    run.notes.push(`There is no checkpoint to use in ${checkpointDir}: training starts from the beginning.`);
  } else {
    const { epochs } = checkpoint.progress;
    run.resume = checkpoint;
    run.notes.push(...resumeWarnings(checkpoint, learn), `Going on after ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}, from ${file}.`);
  }
  return run;
}
