import { join } from 'node:path';
import { countBy } from '../../base/group-by.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import type { CountedPrediction } from '../../node/plots/plots.js';
import type { CollabLearner } from '../../train/learner.js';

/** At most so many predictions are drawn; of more, an even sample. */
const MAX_PREDICTIONS = 200_000;

const FILES = ['loss.svg', 'schedule.svg', 'predictions.svg', 'error-by-count.svg'];

/** The files that `writePlots` may write. */
export const plotFiles = (dir: string | undefined): string[] => (dir === undefined ? [] : FILES.map((name) => dir && join(dir, name)));

/** Draws a training run; without validation ratings only its loss and schedule. Returns the names of the files in `dir`. */
export async function writePlots(learn: CollabLearner, dir: string): Promise<string[]> {
  const { errorByCountPlot, lossPlot, predictionPlot, schedulePlot } = await import('../../node/plots/plots.js');
  const {
    history,
    trainer: { stepsPerEpoch },
  } = learn;
  const plots: Record<string, Promise<string>> = {
    'loss.svg': lossPlot(history, { stepsPerEpoch }),
    'schedule.svg': schedulePlot(history),
  };
  const predictions = await validPredictions(learn);
  if (predictions.length > 0)
    Object.assign(plots, { 'predictions.svg': predictionPlot(predictions), 'error-by-count.svg': errorByCountPlot(predictions) });
  for (const [name, plot] of Object.entries(plots)) await writeFileAtomic(join(dir, name), await plot);
  return Object.keys(plots);
}

/** Validation ratings beside their predictions, with the number of training ratings of the item. */
async function validPredictions(learn: CollabLearner): Promise<CountedPrediction[]> {
  const { valid, train, nItems, nValid } = learn.data;
  const stride = Math.max(1, Math.ceil(nValid / MAX_PREDICTIONS));
  const thin = <T extends Uint32Array | Float32Array>(column: T) => column.filter((_, k) => k % stride === 0);
  const [items, ratings] = [thin(valid.items), thin(valid.ratings)];
  const counts = countBy(train.items, nItems);
  const predictions = await learn.predictRows(thin(valid.users), items);
  return Array.from(predictions, (prediction, k) => ({ prediction, rating: ratings[k], count: counts[items[k]] }));
}
