/** The tutorial's five epochs from a cold start, in processes of their own. */
import type { FitOnce } from './fit-once.js';
import { spread, summarise } from './measure.js';
import { inOwnProcess } from './own-process.js';
import type { Section } from './report.js';
import { EPOCHS, TUTORIAL } from './workload.js';

/** The tutorial from a cold start, `runs` times: a new process opens the adapter, compiles, trains five epochs, validates. */
export async function benchTutorial(runs: number, adapter: string): Promise<Section> {
  const fits: (FitOnce & { wall: number })[] = [];
  for (let i = 0; i < runs; i++) {
    const { result, seconds } = await inOwnProcess<FitOnce>('fit-once.js', adapter);
    fits.push({ ...result, wall: seconds });
  }
  const { nSteps, batchSize, mse, data } = fits[0];
  const row = (what: string, unit: string, value: (fit: FitOnce & { wall: number }) => number) => {
    const timing = summarise(fits.map(value));
    return { what, value: timing.median, unit, spread: spread(timing) };
  };
  return {
    title: `The tutorial from a cold start: ${data}, batch ${batchSize}, ${TUTORIAL.nFactors} factors, ${EPOCHS} epochs`,
    notes: [`Processes: ${runs}. Steps of each: ${nSteps.toLocaleString('en')}. Validation MSE of the first: ${mse.toFixed(4)}.`],
    rows: [
      row('process, start to end', 's', (fit) => fit.wall),
      row('reading the ratings', 's', (fit) => fit.readSeconds),
      row('opening the adapter', 's', (fit) => fit.openSeconds),
      row('compiling kernels, making the model', 's', (fit) => fit.createSeconds),
      row('training', 's', (fit) => fit.trainSeconds),
      row('validating, five times', 's', (fit) => fit.validateSeconds),
      row('a training step', 'us', (fit) => (1e6 * fit.trainSeconds) / nSteps),
      row('ratings per second', '1/s', (fit) => (nSteps * batchSize) / fit.trainSeconds),
      row('peak memory of the process', 'MiB', (fit) => fit.processMiB),
      row('peak memory of the device', 'MiB', (fit) => fit.gpuMiB),
    ],
  };
}
