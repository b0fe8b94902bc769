import type { Command } from 'commander';
import { DivergedError } from '../../base/errors.js';
import { VERSION } from '../../base/version.js';
import { type FoldResult, meanAndSd } from '../../evaluate/evaluate.js';
import { USUAL_BATCH } from '../../data/collab-data.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { addSourceOptions, type SourceFlags } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, withDevice } from '../options/device.js';
import { inputsOf } from '../options/inputs.js';
import { checkFiles } from '../options/outputs.js';
import { foldTable } from '../print/fold-table.js';
import { threadsOf, rangeChoice } from '../options/model.js';
import { adapterText, deviceLine, rangeLine } from '../print/head.js';
import { trainingProgress } from '../print/progress.js';
import { interruptible } from '../process/interrupt.js';
import { note, print, printLines } from '../process/terminal.js';
import { addTrialOptions, checkProtocol, describeProtocol, FoldSource, runTrial, type TrialFlags, usedSettings } from './trial.js';

interface EvaluateFlags extends SourceFlags, TrialFlags, DeviceFlags {
  report?: string | undefined;
  quiet?: boolean | undefined;
}

/** Adds `dotbias evaluate`. */
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
    .addHelpText('after', '\nCtrl-C ends the evaluation; the folds that are complete are still reported.')
    .action(evaluate);
}

async function evaluate(flags: EvaluateFlags, command: Command): Promise<void> {
  checkProtocol(command);
  await checkFiles({ reads: await inputsOf(flags), writes: { '--report': flags.report } });
  const source = new FoldSource(flags);
  const [ratings, folds] = await Promise.all([source.ratings(flags), source.folds(flags)]);
  await withDevice(flags, threadsOf(flags), async ({ gpu, ...device }) => {
    print(deviceLine(device));
    const tell = (line: string) => void (flags.quiet || print(line));
    tell(`Data: ${ratings.source}`);
    const protocol = describeProtocol(flags, source, folds.length);
    tell(`Protocol: ${protocol}.`);
    const names = folds.map(({ name }) => name);
    const table = foldTable(names, flags.topK);
    let range = '';
    const done: FoldResult[] = [];
    const progress = await trainingProgress(flags.batchSize ?? USUAL_BATCH, flags.quiet ?? false);
    await interruptible(async (interrupt) => {
      const { signal } = interrupt;
      let diverged: { fold: string; step: number; lr: number } | undefined;
      const trial = runTrial(flags, folds, {
        gpu,
        signal,
        onLearner: (learn) => {
          const line = rangeLine(learn, rangeChoice(flags, learn.data).from);
          if (line !== range) tell(line);
          if (range === '') tell(table.head);
          range = line;
        },
        onProgress: ({ step, totalSteps, trainLoss }) => progress.update(step, totalSteps, trainLoss),
        onFold: (fold) => {
          done.push(fold);
          progress.clear();
          tell(table.line(fold.fold, fold, fold.seconds));
        },
      }).finally(() => progress.clear());
      // What the folds before it gave is not lost.
      const result = await trial.catch((error: unknown) => {
        if (!(error instanceof DivergedError)) throw error;
        diverged = { fold: folds[done.length].name, step: error.step, lr: error.lr };
        note(`error: ${diverged.fold}: ${error.message}`);
        process.exitCode = 1;
        return { folds: done, ...meanAndSd(done), seconds: done.reduce((sum, { seconds }) => sum + seconds, 0) };
      });
      const interrupted = signal.aborted && result.folds.length < folds.length;
      if (result.folds.length > 0) printLines(`${table.line('mean', result.mean, result.seconds)}\n${table.line('sd', result.sd)}`);
      if (interrupted) {
        note(`Interrupted after ${result.folds.length} of ${folds.length} folds.`);
        process.exitCode = interrupt.exitCode;
      }
      if (flags.report !== undefined && (result.folds.length > 0 || diverged !== undefined)) {
        const report = {
          version: VERSION,
          adapter: adapterText(device.info),
          protocol,
          config: usedSettings(flags, result.folds),
          ...result,
          interrupted,
          ...(diverged && { diverged }),
        };
        await writeFileAtomic(flags.report, `${JSON.stringify(report, null, 2)}\n`);
      }
    });
  });
}
