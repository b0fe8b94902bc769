import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { isObject } from '../../base/json.js';
import { ALONE } from '../../base/ring.js';
import { MODEL_INDEX } from '../../files/sharded-model.js';
import { trainingConfig } from '../../files/model-file.js';
import { listAdapters } from '../../node/device/adapter.js';
import { scratchFolder } from '../../node/disk/leftovers.js';
import { modelHashes, type ModelHashes } from '../../node/files/model-hashes.js';
import { saveModel } from '../../node/files/model-file.js';
import type { CollabLearner } from '../../train/learner.js';
import { collabLearner } from '../../train/make-learner.js';
import { commandOfFile } from '../options/config.js';
import { readData } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, withDevice } from '../options/device.js';
import { checkEpochs } from '../options/fit.js';
import { threadsOf, learnerOptions } from '../options/model.js';
import { readReport } from '../options/report-file.js';
import type { TrainSettings } from '../options/settings.js';
import { dataLine, deviceLine } from '../print/head.js';
import { compareBeginnings, compareResults, type ComparedPart, comparisonTable, isReproduced, verdict } from '../print/reproduction.js';
import { beginningOf, trainReport, type TrainReport } from '../print/train-report.js';
import { UsageError } from '../process/errors.js';
import { interruptible } from '../process/interrupt.js';
import { RankTimes } from '../process/rank-times.js';
import { Stopwatch } from '../process/stopwatch.js';
import { note, print, printLines } from '../process/terminal.js';
import { fitAndTell } from './train-fit.js';

interface ReproduceFlags extends DeviceFlags, Pick<TrainSettings, 'data' | 'trainFile' | 'validFile'> {
  quiet?: boolean | undefined;
}

/** Adds `dotbias reproduce`. */
export function addReproduce(program: Command): void {
  const command = program
    .command('reproduce <report.json>')
    .summary('run a training again, and compare')
    .description(
      "Trains again from what 'dotbias train --report' wrote, and says of each part of the run whether it is the same: version, data, " +
        'settings, adapter, the loss of every step, the model. It writes no file.',
    )
    .option('--data <path>', 'where the ratings are now (default: where they were)')
    .addOption(new Option('--train-file <path>', 'where the training ratings are now, if they were split already').conflicts('data'))
    .addOption(new Option('--valid-file <path>', 'where the validation ratings are now').conflicts('data'));
  addDeviceOptions(command)
    .option('--quiet', 'print only the device in use and the comparison')
    .addHelpText('after', '\nThe adapter is that of the report, if this machine has it. Exit code 1 if the result is not the same.')
    .action(reproduce);
}

async function reproduce(file: string, flags: ReproduceFlags): Promise<void> {
  const then = await readReport(file);
  if (then.interrupted || then.diverged) {
    const why = then.interrupted ? 'was interrupted' : 'diverged';
    throw new UsageError(`${file}: This run ${why}, so that there is no end of it to compare with.`);
  }
  const settings = commandOfFile(file, settingsOfRun(then, flags)).opts<TrainSettings>();
  if (settings.data === '-') throw new UsageError(`${file}: The ratings came from standard input; name them with --data.`);
  const tell = (line: string) => void (flags.quiet || print(line));
  const watch = new Stopwatch();
  const sourced = await readData(settings);
  const { data } = sourced;
  checkEpochs(settings.epochs, data.stepsPerEpoch);
  const device = { ...flags, adapter: flags.adapter ?? (await adapterOf(then)) };
  await withDevice(device, threadsOf(settings), async ({ gpu, ...opened }) => {
    print(deviceLine(opened));
    tell(dataLine(sourced));
    const before = compareBeginnings(then, beginningOf(opened.info, sourced));
    if (!isReproduced(before)) {
      conclude(before);
      note('The ratings are others, so nothing was trained.');
      return;
    }
    const learn = await collabLearner(data, { ...learnerOptions(settings, data), gpu });
    await interruptible(async (interrupt) => {
      const run = { ...settings, keepLast: 1, quiet: flags.quiet };
      const ended = await fitAndTell(learn, run, tell, interrupt, new RankTimes(ALONE));
      if (ended.interrupted) return;
      const valid = { mse: NaN, rmse: NaN, mae: NaN };
      const options = then.options;
      const now = trainReport({ ...ended, learn, valid, adapter: opened.info, sourced, options, config: {}, watch });
      if (!ended.diverged) now.model = await hashesOf(learn, then);
      tell('');
      conclude([...before, ...compareResults(then, now)]);
    });
  });
}

function conclude(parts: readonly ComparedPart[]): void {
  printLines(comparisonTable(parts));
  print(verdict(parts));
  if (!isReproduced(parts)) process.exitCode = 1;
}

/** The settings of a run as they came out, which a default of another version, or of another adapter, need not be. */
function settingsOfRun({ options, config, settings: { learner } }: TrainReport, flags: ReproduceFlags): Record<string, unknown> {
  const { batchSize, stepper, batches, stepsPerSubmission, strata, passes, optimizerConstants } = learner;
  const eps = isObject(optimizerConstants) ? optimizerConstants['eps'] : undefined;
  const all = new Map(Object.entries({ ...options, batchSize, stepper, batches, stepsPerSubmission, strata, passes, eps }));
  all.set('yRange', config['yRange']);
  const { data, trainFile, validFile } = flags;
  if (data !== undefined || trainFile !== undefined || validFile !== undefined) {
    for (const [name, value] of Object.entries({ data, trainFile, validFile })) all.set(name, value);
    if (data === undefined) all.delete('validPct');
  }
  return Object.fromEntries([...all].filter(([, value]) => value !== undefined));
}

/** The name of the adapter of a report, if this machine has it. */
async function adapterOf({ device: { name } }: TrainReport): Promise<string | undefined> {
  const adapters = await listAdapters({ quiet: true });
  return adapters.some((each) => each.name === name) ? name : undefined;
}

/** Hashes of the model, and of its file where the report has that, too: it is saved for a moment. */
async function hashesOf(learn: CollabLearner, { data, model }: TrainReport): Promise<ModelHashes | undefined> {
  if (model?.sha256 === undefined) return model && modelHashes(learn);
  const { path, remove } = await scratchFolder();
  try {
    const isFolder = model.file === MODEL_INDEX;
    const ratings = model.ratings !== false;
    // The file notes the name of the data, which may lie in a file of another name now.
    await saveModel(learn, isFolder ? `${path}/` : join(path, 'model'), {
      ratings,
      training: { ...trainingConfig(learn), data: data.name },
    });
    return await modelHashes(learn, { path: join(path, isFolder ? MODEL_INDEX : 'model'), ratings });
  } finally {
    await remove();
  }
}
