import { checkOptions, checkWhole } from '../../base/check.js';
import type { Callback, Fit } from '../../train/fit.js';
import { EventFile } from './event-file.js';

/** Arguments of `tensorBoard`. */
export interface TensorBoardOptions {
  /** One step in so many is written, and the last. Default: as many as make some 1,000 points of a fit. */
  every?: number | undefined;
  /**
   * Told once, when a file cannot be written: the fit goes on without it. Default: the fit ends with the error, when it begins or
   * after the epoch.
   */
  onError?: ((error: Error) => void) | undefined;
}

/** Points of a curve, where nothing else is asked for. */
const POINTS = 1000;

/**
 * Writes what a fit tells as TensorBoard event files: per step `train/loss`, `train/smooth_loss`, `train/lr` and `train/momentum`
 * (beta1), per epoch `epoch/train_loss` and, where there are validation ratings, `epoch/valid_loss`, `epoch/rmse` and `epoch/mae`.
 * The step of an epoch is its last. What a submission of steps gave is written at once, so that a killed run keeps it.
 *
 * Each fit, a resumed one too, begins a new file at its own step of the learner's life; TensorBoard then shows no more what an
 * earlier file of the folder has from that step on. Different runs belong in different folders.
 *
 * @param dir the folder, which is made if it is missing
 * @throws RangeError or TypeError for a wrong option
 */
export function tensorBoard(dir: string, options: TensorBoardOptions = {}): Callback {
  checkOptions('tensorBoard', options, ['every', 'onError']);
  const { every: asked, onError } = options;
  if (asked !== undefined) checkWhole('every', asked);
  let file: EventFile | undefined;
  let failure: unknown;
  let isFlushing = false;
  let every = 1;

  const firstStep = ({ plan }: Fit) => plan['firstStep'] as number;
  const add = (step: number, scalars: Record<string, number>) => file?.add({ wallTime: Date.now() / 1000, step, scalars });
  const fail = (error: unknown) => {
    file?.close();
    file = undefined;
    if (onError === undefined) failure = error;
    else onError(error as Error);
  };
  const flush = () => {
    isFlushing = false;
    try {
      file?.flush();
    } catch (error) {
      fail(error);
    }
  };
  const throwFailure = () => {
    if (failure === undefined) return;
    const error = failure;
    failure = undefined;
    throw error;
  };

  return {
    async onBegin(fit) {
      const { schedule, records, learner } = fit;
      every = asked ?? Math.ceil(schedule.lr.length / POINTS);
      try {
        file = await EventFile.create(dir);
        const step = firstStep(fit) + records.length * learner.trainer.stepsPerEpoch;
        file.add({ wallTime: Date.now() / 1000, step, isStart: true });
      } catch (error) {
        fail(error);
      }
      flush();
      throwFailure();
    },
    onStep({ step, loss, smoothLoss, lr, beta1 }, fit) {
      if (step % every !== 0 && step !== fit.schedule.lr.length - 1) return;
      add(firstStep(fit) + step, { 'train/loss': loss, 'train/smooth_loss': smoothLoss, 'train/lr': lr, 'train/momentum': beta1 });
      if (isFlushing) return;
      isFlushing = true;
      queueMicrotask(flush); // after the other steps of this submission
    },
    onEpoch({ epoch, trainLoss, validLoss, valid }, fit) {
      const step = firstStep(fit) + (epoch + 1) * fit.learner.trainer.stepsPerEpoch - 1;
      const { rmse, mae } = valid;
      add(step, { 'epoch/train_loss': trainLoss, 'epoch/valid_loss': validLoss, 'epoch/rmse': rmse, 'epoch/mae': mae });
      flush();
      throwFailure();
    },
    onEnd() {
      flush();
      file?.close();
      file = undefined;
      throwFailure();
    },
  };
}
