/** A fit as the command line shows it: fastai's table, and the progress of the epoch under way. */
import { DivergedError } from '../../base/errors.js';
import { ALONE, gatherNumbers, type Ring } from '../../base/ring.js';
import type { EpochRecord, Fit } from '../../train/fit.js';
import type { CollabLearner } from '../../train/learner.js';
import type { FitFlags } from '../options/fit.js';
import { prepareRun, type RunFlags } from '../options/run.js';
import { trainingProgress } from '../print/progress.js';
import { epochLine } from '../print/table.js';
import { clock, sixDecimals } from '../print/text.js';
import type { Interrupt } from '../process/interrupt.js';
import type { RankTimes } from '../process/rank-times.js';
import { note } from '../process/terminal.js';

/** Prints a line, unless --quiet. */
export type Tell = (line: string) => void;

type Flags = FitFlags & RunFlags & { quiet?: boolean | undefined };

/** Whether the model is that of the best epoch, whatever came after. */
export const hasBest = ({ history }: CollabLearner, { keepBest }: RunFlags) => keepBest === true && history.epochs.length > 0;

const COLUMNS = ['epoch', 'train_loss', 'valid_loss', 'time'];

/** A fit that is over. */
export interface EndedFit {
  fit: Fit;
  /** A signal cut it short. */
  interrupted: boolean;
  diverged?: DivergedError | undefined;
}

/** Trains and prints the table. @throws as `fitOneCycle`, but for divergence */
export async function fitAndTell(
  learn: CollabLearner,
  flags: Flags,
  tell: Tell,
  interrupt: Interrupt,
  times: RankTimes,
): Promise<EndedFit> {
  const { epochs, lr, quiet = false } = flags;
  const { notes, callbacks, checkpoint, resume } = await prepareRun(flags, learn);
  notes.forEach(note);
  const {
    stepsPerEpoch,
    options: { batchSize },
  } = learn.trainer;
  const progress = await trainingProgress(batchSize, quiet);
  const printEpoch = ({ epoch, trainLoss, validLoss, trainSeconds, validateSeconds }: EpochRecord) =>
    tell(epochLine(COLUMNS, [String(epoch), sixDecimals(trainLoss), sixDecimals(validLoss), clock(trainSeconds + validateSeconds)]));
  let fit!: Fit;
  const onBegin = (begun: Fit) => {
    fit = begun;
    tell(epochLine(COLUMNS));
    fit.records.forEach(printEpoch); // those before a resume
  };
  try {
    await learn.fitOneCycle(epochs, lr, {
      callbacks: [{ onBegin }, ...callbacks],
      checkpoint,
      resume,
      signal: interrupt.signal,
      onProgress: ({ epoch, step, trainLoss }) => progress.update(step - epoch * stepsPerEpoch, stepsPerEpoch, trainLoss),
      onEpoch: async (record) => {
        const slow = await times.lap();
        progress.clear();
        printEpoch(record);
        note(slow);
      },
    });
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    if (hasBest(learn, flags)) {
      progress.clear();
      note(`${error.message} What follows is the model of the best epoch.`);
      process.exitCode = 1;
    }
    return { fit, interrupted: false, diverged: error };
  } finally {
    progress.clear();
  }
  const exitCode = await signalOfAny(learn.trainer.ring, interrupt.exitCode);
  if (exitCode === undefined || learn.history.epochs.length === epochs) return { fit, interrupted: false };
  const resumable = flags.checkpointDir !== undefined && learn.history.epochs.length > 0;
  const advice = resumable ? ' --resume goes on after the last complete epoch.' : '';
  note(`Interrupted after ${learn.history.losses.length} of ${epochs * stepsPerEpoch} steps.${advice}`);
  process.exitCode = exitCode;
  return { fit, interrupted: true };
}

/** The exit code by which a signal ends this rank, or any other: all stop with it. */
async function signalOfAny(ring: Ring = ALONE, mine = 0): Promise<number | undefined> {
  const codes = await gatherNumbers(ring, Float64Array.of(mine));
  return codes.map(([code]) => code).find((code) => code > 0);
}
