import { join } from 'node:path';
import { errorByCount, residuals } from '../../evaluate/residuals.js';
import { validPredictions } from '../../evaluate/valid-predictions.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { errorByCountPlotData, predictionPlotData, residualPlotData } from '../../plots/error-plots.js';
import { lossPlotData, schedulePlotData } from '../../plots/training-plots.js';
import type { PlotData } from '../../plots/plot-data.js';
import type { CollabLearner } from '../../train/learner.js';

/** At most so many predictions are drawn; of more, an even sample. */
const MAX_PREDICTIONS = 200_000;

const FILES = ['loss.svg', 'schedule.svg', 'predictions.svg', 'residuals.svg', 'error-by-count.svg'];

/** The files that `writePlots` may write. */
export const plotFiles = (dir: string | undefined): string[] => (dir === undefined ? [] : FILES.map((name) => dir && join(dir, name)));

/** Draws a training run; without validation ratings only its loss and schedule. Returns the names of the files in `dir`. */
export async function writePlots(learn: CollabLearner, dir: string): Promise<string[]> {
  const { history, trainer } = learn;
  const { lr, beta1 } = schedulePlotData(history);
  const plots: Record<string, PlotData | PlotData[]> = {
    'loss.svg': lossPlotData(history, { stepsPerEpoch: trainer.stepsPerEpoch }),
    'schedule.svg': [lr, beta1],
  };
  if (learn.data.nValid > 0) {
    const predicted = await validPredictions(learn, { most: MAX_PREDICTIONS });
    const [byItem, byUser] = [errorByCount(predicted, predicted.itemCounts), errorByCount(predicted, predicted.userCounts)];
    Object.assign(plots, {
      'predictions.svg': predictionPlotData(predicted),
      'residuals.svg': residualPlotData(residuals(predicted)),
      'error-by-count.svg': [errorByCountPlotData(byItem, 'item'), errorByCountPlotData(byUser, 'user')],
    });
  }
  const { plotSvg } = await import('../../node/plots/svg.js');
  for (const [name, data] of Object.entries(plots)) await writeFileAtomic(join(dir, name), await plotSvg(data));
  return Object.keys(plots);
}
