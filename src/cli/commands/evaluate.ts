import type { Command } from 'commander';
import type { Scores } from '../../evaluate/evaluate.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { VERSION } from '../../base/version.js';
import { addSourceOptions, type SourceFlags } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, deviceLine, openDevice } from '../options/device.js';
import { interruptible } from '../process/interrupt.js';
import { checkWritable } from '../options/outputs.js';
import { trainingProgress } from '../print/progress.js';
import { clock, epochLine } from '../print/table.js';
import { addTrialOptions, describeProtocol, FoldSource, runTrial, type TrialFlags } from './trial.js';

interface EvaluateFlags extends SourceFlags, TrialFlags, DeviceFlags {
  report?: string;
  quiet?: boolean;
}

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .summary('measure a recipe on the folds of a protocol')
    .description(
      'Trains a model for each fold of a protocol, and prints the errors on the test ratings with their mean and standard deviation.',
    );
  addDeviceOptions(addSourceOptions(addTrialOptions(command)))
    .option('--report <file>', 'write protocol, settings, results and timings as JSON')
    .option('--quiet', 'print only the device in use, and mean and standard deviation')
    .addHelpText('after', '\nCtrl-C ends it with the folds that are complete.')
    .action(evaluate);
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  const print = (text: string) => void (flags.quiet || console.log(text));
  await checkWritable(flags.report);
  const source = new FoldSource(flags);
  const reading = Promise.all([source.ratings(flags), source.folds(flags)]);
  reading.catch(() => undefined); // awaited below, after the device
  const device = await openDevice(flags);
  await interruptible(async (signal) => {
    console.log(deviceLine(device));
    const [ratings, folds] = await reading;
    print(ratings.source);
    const protocol = describeProtocol(flags, source, folds.length);
    print(`Protocol: ${protocol}.`);
    const table = foldTable(
      folds.map(({ name }) => name),
      flags.topK,
    );
    const progress = await trainingProgress(flags.batchSize, flags.quiet ?? false);
    print(table.head);
    const result = await runTrial(flags, folds, {
      gpu: device.gpu,
      signal,
      onProgress: ({ step, nSteps, trainLoss }) => progress.update(step, nSteps, trainLoss),
      onFold: (fold) => {
        progress.clear();
        print(table.line(fold.fold, fold, fold.seconds));
      },
    });
    progress.clear();
    if (result.folds.length > 0) console.log(`${table.line('mean', result.mean, result.seconds)}\n${table.line('sd', result.sd)}`);
    if (signal.aborted && result.folds.length < folds.length) {
      console.error(`Interrupted after ${result.folds.length} of ${folds.length} folds.`);
      process.exitCode = 130;
    }
    if (flags.report !== undefined && result.folds.length > 0) {
      const report = {
        version: VERSION,
        adapter: device.info.description,
        protocol,
        config: trialSettings(flags),
        ...result,
        interrupted: signal.aborted,
      };
      await writeFileAtomic(flags.report, `${JSON.stringify(report, null, 2)}\n`);
    }
  }).finally(() => device.gpu.destroy());
}

/** The flags that decide the result. */
export function trialSettings(flags: TrialFlags): Record<string, unknown> {
  const other = [
    'data',
    'trainFile',
    'validFile',
    'userColumn',
    'itemColumn',
    'ratingColumn',
    'ratingRange',
    'delimiter',
    'header',
    'skipBadRows',
    'textIds',
    'adapter',
    'report',
    'quiet',
  ];
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !other.includes(name)));
}

/** Lines of a table of folds. */
function foldTable(names: readonly string[], topK?: number) {
  const first = 'fold'.padEnd(Math.max(...names.map((name) => name.length)));
  const errors: [string, keyof Scores][] = [
    ['MSE', 'mse'],
    ['RMSE', 'rmse'],
    ['MAE', 'mae'],
    ['R2', 'r2'],
  ];
  const ranking: [string, keyof Scores][] = [
    [`prec@${topK}`, 'precision'],
    [`recall@${topK}`, 'recall'],
    [`NDCG@${topK}`, 'ndcg'],
    [`MAP@${topK}`, 'map'],
    ['coverage', 'coverage'],
  ];
  const columns = topK === undefined ? errors : [...errors, ...ranking];
  const head = [first, ...columns.map(([title]) => title), 'time'];
  return {
    head: epochLine(head),
    line: (name: string, scores: Scores, seconds?: number) =>
      epochLine(head, [
        name,
        ...columns.map(([, score]) => fourDecimals(scores[score])),
        ...(seconds === undefined ? [] : [clock(seconds)]),
      ]),
  };
}

function fourDecimals(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(4);
}
