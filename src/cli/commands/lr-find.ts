import { collabLearner } from '../../train/make-learner.js';
import type { Command } from 'commander';
import { lrPlotData } from '../../plots/lr-plot.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { checkEnding } from '../../node/export/table.js';
import { addDataOptions, type DataFlags, readData } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, withDevice } from '../options/device.js';
import { addModelOptions, threadsOf, learnerOptions, type ModelFlags, rangeChoice } from '../options/model.js';
import { integer, positive } from '../options/numbers.js';
import { inputsOf } from '../options/inputs.js';
import { checkFiles } from '../options/outputs.js';
import { dataLine, deviceLine, rangeLine, steppingNote } from '../print/head.js';
import { alignedTable } from '../print/table.js';
import { MAX_SWEEP_STEPS } from '../../schedule/schedule.js';
import { note, print, printLines } from '../process/terminal.js';

interface LrFindFlags extends DataFlags, ModelFlags, DeviceFlags {
  startLr: number;
  endLr: number;
  steps: number;
  out?: string | undefined;
}

/** Adds `dotbias lr-find`. */
export function addLrFind(program: Command): void {
  const command = program
    .command('lr-find')
    .summary('find a learning rate')
    .description(
      'Runs the learning-rate range test: the rate grows from step to step until the loss explodes. ' +
        'Prints the rates that different rules suggest.',
    );
  addDeviceOptions(addModelOptions(addDataOptions(command)))
    .option('--start-lr <x>', 'learning rate of the first step', positive, 1e-7)
    .option('--end-lr <x>', 'learning rate that the test grows towards', positive, 10)
    .option('--steps <n>', 'steps of the test', integer(7, MAX_SWEEP_STEPS), 100)
    .option('--out <file.svg>', 'draw the smoothed loss against the learning rate')
    .action(lrFind);
}

const RULES = {
  valley: "in the longest descent of the loss (fastai's default)",
  steep: 'where the loss falls fastest',
  slide: 'before the slope at the right end levels out',
  minimum: 'a tenth of the rate at the lowest loss',
} as const;

async function lrFind(flags: LrFindFlags): Promise<void> {
  const { startLr, endLr, steps, out } = flags;
  if (endLr <= startLr) throw new RangeError(`endLr ${endLr} must be greater than startLr ${startLr}.`);
  if (out !== undefined) checkEnding(out, ['.svg']);
  await checkFiles({ reads: await inputsOf(flags), writes: { '--out': out } });
  const sourced = await readData(flags);
  await withDevice(flags, threadsOf(flags), async (device) => {
    print(deviceLine(device));
    print(dataLine(sourced));
    const learn = await collabLearner(sourced.data, { ...learnerOptions(flags, sourced.data), gpu: device.gpu });
    print(rangeLine(learn, rangeChoice(flags, sourced.data).from));
    learn.notes.forEach(note);
    note(steppingNote(learn));
    const result = await learn.lrFind({ startLr, endLr, numIt: steps });
    const rows = Object.entries(RULES).map(([rule, meaning]) => [rule, result[rule as keyof typeof RULES].toExponential(2), meaning]);
    printLines(alignedTable(['rule', 'lr', 'meaning'], rows, ['left', 'right', 'left']));
    if (out === undefined) return;
    const { plotSvg } = await import('../../node/plots/svg.js');
    await writeFileAtomic(out, await plotSvg(lrPlotData(result)));
    print(`Plot written to ${out}`);
  });
}
