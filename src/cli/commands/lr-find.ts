import type { Command } from 'commander';
import { collabLearner } from '../../train/learner.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { addDataOptions, type DataFlags, dataLine, readData } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, deviceLine, openDevice } from '../options/device.js';
import { addModelOptions, learnerOptions, type ModelFlags } from '../options/model.js';
import { integer, positive } from '../options/numbers.js';
import { checkWritable } from '../options/outputs.js';
import { alignedTable } from '../print/table.js';

interface LrFindFlags extends DataFlags, ModelFlags, DeviceFlags {
  startLr: number;
  endLr: number;
  steps: number;
  out?: string;
}

export function addLrFind(program: Command): void {
  const command = program
    .command('lr-find')
    .summary('find a learning rate')
    .description(
      'Runs the learning-rate range test: the rate grows from step to step until the loss explodes. Prints what different rules suggest.',
    );
  addDeviceOptions(addModelOptions(addDataOptions(command)))
    .option('--start-lr <x>', 'learning rate of the first step', positive, 1e-7)
    .option('--end-lr <x>', 'learning rate that the sweep goes towards', positive, 10)
    .option('--steps <n>', 'steps of the sweep', integer(7), 100)
    .option('--out <file.svg>', 'draw smoothed loss against learning rate')
    .action(lrFind);
}

const RULES = {
  valley: "in the longest descent of the loss (fastai's default)",
  steep: 'where the loss falls fastest',
  slide: 'before the slope at the right end levels out',
  minimum: 'a tenth of the rate at the lowest loss',
} as const;

async function lrFind(flags: LrFindFlags): Promise<void> {
  await checkWritable(flags.out);
  const reading = readData(flags);
  reading.catch(() => undefined); // awaited below, after the device
  const device = await openDevice(flags);
  try {
    console.log(deviceLine(device));
    const sourced = await reading;
    console.log(dataLine(sourced));
    const learn = await collabLearner(sourced.data, { ...learnerOptions(flags), gpu: device.gpu });
    const result = await learn.lrFind({ startLr: flags.startLr, endLr: flags.endLr, numIt: flags.steps });
    const rows = Object.entries(RULES).map(([rule, meaning]) => [rule, result[rule as keyof typeof RULES].toExponential(2), meaning]);
    console.log(alignedTable(['rule', 'lr', 'meaning'], rows, ['left', 'right', 'left']));
    if (flags.out === undefined) return;
    const { lrFinderPlot } = await import('../../node/plots/plots.js');
    await writeFileAtomic(flags.out, await lrFinderPlot(result));
    console.log(`Plot written to ${flags.out}`);
  } finally {
    device.gpu.destroy();
  }
}
