/** Runs the tutorial once from a cold start and prints what it measured as JSON. Argument: the adapter's name, or '' for the best. */
import { openGpu } from '../src/node/device/device.js';
import { collabLearner } from '../src/train/make-learner.js';
import { peakMemory } from './report.js';
import { EPOCHS, LR_MAX, openWorkload, TUTORIAL, split } from './workload.js';

export interface FitOnce {
  data: string;
  batchSize: number;
  nSteps: number;
  readSeconds: number;
  openSeconds: number;
  createSeconds: number;
  trainSeconds: number;
  validateSeconds: number;
  mse: number;
  processMiB: number;
  gpuMiB: number;
}

const times = [performance.now()];
const lap = () => (times.push(performance.now()), (times.at(-1)! - times.at(-2)!) / 1000);

const data = split(await openWorkload(), 64);
const readSeconds = lap();
const name = process.argv[2];
const { gpu } = await openGpu({ name: name || undefined });
const openSeconds = lap();
const learn = await collabLearner(data, { ...TUTORIAL, gpu });
const createSeconds = lap();
const records = await learn.fitOneCycle(EPOCHS, LR_MAX);
const total = (of: 'trainSeconds' | 'validateSeconds') => records.reduce((sum, record) => sum + record[of], 0);
const result: FitOnce = {
  data: data.name,
  batchSize: data.batchSize,
  nSteps: learn.trainer.stepCount,
  readSeconds,
  openSeconds,
  createSeconds,
  trainSeconds: total('trainSeconds'),
  validateSeconds: total('validateSeconds'),
  mse: records.at(-1)!.valid.mse,
  ...peakMemory(gpu),
};
console.log(JSON.stringify(result));
