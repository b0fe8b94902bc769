import { join } from 'node:path';
import { agree, gatherTexts, type Ring } from '../../base/ring.js';
import { VERSION } from '../../base/version.js';
import { dataFingerprint } from '../../train/identity.js';
import { RankTimes } from '../process/rank-times.js';
import { openRanks } from '../process/ranks.js';
import { collabLearner } from '../../train/make-learner.js';
import type { Command } from 'commander';
import { DivergedError } from '../../base/errors.js';
import { MODEL_INDEX } from '../../files/sharded-model.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { isFolderName, saveModel } from '../../node/files/model-file.js';
import type { Fit, EpochRecord } from '../../train/fit.js';
import { type CollabLearner } from '../../train/learner.js';
import { addDataOptions, type DataFlags, readData } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, withDevice } from '../options/device.js';
import { addFitOptions, checkEpochs, type FitFlags } from '../options/fit.js';
import { addModelOptions, batchOf, learnerOptions, type ModelFlags, rangeChoice } from '../options/model.js';
import { inputsOf } from '../options/inputs.js';
import { checkFiles } from '../options/outputs.js';
import { addRunOptions, checkRun, prepareRun, type RunFlags } from '../options/run.js';
import { checkSpace } from '../options/space.js';
import { adaptersNote, adapterText, dataLine, deviceLine, rangeLine, steppingNote, strataLine } from '../print/head.js';
import { trainingProgress } from '../print/progress.js';
import { alignedTable, epochLine } from '../print/table.js';
import { clock, sixDecimals } from '../print/text.js';
import { resultLines, trainReport } from '../print/train-report.js';
import { describeError, UsageError } from '../process/errors.js';
import { type Interrupt, interruptible } from '../process/interrupt.js';
import { Stopwatch } from '../process/stopwatch.js';
import { note, print, printLines } from '../process/terminal.js';
import { plotFiles, writePlots } from './train-plots.js';

interface TrainFlags extends DataFlags, ModelFlags, FitFlags, DeviceFlags, RunFlags {
  out?: string | undefined;
  ratings: boolean;
  plots?: string | undefined;
  report?: string | undefined;
  quiet?: boolean | undefined;
}

/** Prints a line, unless --quiet. */
type Tell = (line: string) => void;

/** Adds `dotbias train`. */
export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .summary('train a model on ratings')
    .description("Trains a model with the 1-cycle policy, and prints fastai's table, the validation errors and some predictions.");
  addDeviceOptions(addRunOptions(addFitOptions(addModelOptions(addDataOptions(command)))))
    .option(
      '--out <file>',
      'save the model as a safetensors file, with the training ratings: a new file is for its owner alone (mode 0600)',
    )
    .option(
      '--no-ratings',
      'keep the training ratings, which are personal data, out of --out; ' +
        "'dotbias recommend' then cannot leave out what a user has rated",
    )
    .option('--plots <dir>', 'draw losses, schedule, predictions and errors as SVG files')
    .option(
      '--report <file>',
      'write settings, losses, errors and timings as JSON; nUsers and nItems count the ids that training saw, without #na#',
    )
    .option('--quiet', 'print only the device in use and the final result')
    .addHelpText(
      'after',
      '\nCtrl-C, SIGTERM and SIGHUP stop after the steps under way; --out and --report are still written if an epoch is complete. ' +
        'A second one ends at once.' +
        '\n--resume continues a killed run after its last complete epoch.',
    )
    .action(train);
}

async function train(flags: TrainFlags): Promise<void> {
  const ring = await openRanks();
  if (ring.size > 1) checkTogether(flags);
  await trainOn(
    ring,
    ring.rank === 0 ? flags : { ...flags, out: undefined, report: undefined, history: undefined },
    flags.out !== undefined,
  );
  await ring.close();
}

/** Refuses what several ranks cannot do yet. */
function checkTogether({ keepBest, checkpointDir, plots, out }: TrainFlags): void {
  const refused = Object.entries({ '--keep-best': keepBest, '--checkpoint-dir': checkpointDir, '--plots': plots });
  const [flag] = refused.find(([, value]) => value !== undefined && value !== false) ?? [];
  if (flag !== undefined)
    throw new UsageError(`${flag} needs the whole model, and each rank has a part: leave it out, or train in one process.`);
  if (out !== undefined && isFolderName(out)) {
    throw new UsageError('--out names a folder, and ranks save one file: give a name without a slash at its end.');
  }
}

/** Trains; on several ranks each its parts. @param saves whether rank 0 saves the model, which takes all ranks */
async function trainOn(ring: Ring, flags: TrainFlags, saves: boolean): Promise<void> {
  const tell = (line: string) => void (flags.quiet || print(line));
  const watch = new Stopwatch();
  await checkFiles({
    reads: await inputsOf(flags),
    writes: { '--out': modelFile(flags.out), '--report': flags.report, '--history': flags.history, '--plots': plotFiles(flags.plots) },
    checkpointDir: flags.checkpointDir,
  });
  await checkRun(flags);

  // What is downloaded by default is downloaded by rank 0 alone.
  if (ring.rank > 0) await ring.meet();
  const sourced = await watch.time('data', () => readData(flags));
  if (ring.rank === 0) await ring.meet();
  const { data, bestMse } = sourced;
  await agree(ring, { version: VERSION, ...flags, out: saves, report: '', history: '', quiet: '', ratings: dataFingerprint(data) });
  checkEpochs(flags.epochs, data.stepsPerEpoch);
  const opened = watch.start('device');
  await withDevice(flags, batchOf(flags), async ({ gpu, ...device }) => {
    opened();
    print(deviceLine(device));
    note(adaptersNote(await gatherTexts(ring, adapterText(device.info)), ring));
    const times = new RankTimes(ring);
    tell(dataLine(sourced));
    const learn = await watch.time('compile', () => collabLearner(data, { ...learnerOptions(flags, data), gpu, ring: times.ring }));
    tell(rangeLine(learn, rangeChoice(flags, data).from));
    const order = strataLine(learn, ring);
    if (order !== undefined) tell(order);
    learn.notes.forEach(note);
    note(steppingNote(learn));
    await checkSpace(learn, flags);
    // A signal that comes while results are saved must not lose them: it finds the work interruptible to the end.
    await interruptible(async (interrupt) => {
      const { interrupted, diverged } = await fit(learn, flags, tell, interrupt, times);
      if (learn.history.epochs.length === 0 && !diverged) {
        note('Stopped before the first epoch was complete: nothing was saved.');
        return;
      }
      const isLost = diverged !== undefined && !hasBest(learn, flags);
      const valid = isLost || data.nValid === 0 ? { mse: NaN, rmse: NaN, mae: NaN } : await learn.validate();
      const config = {
        epochs: flags.epochs,
        lr: flags.lr,
        nFactors: flags.factors,
        yRange: learn.yRange,
        bias: flags.bias,
        ...(!flags.trainFile && { validPct: flags.validPct }),
      };
      const report = trainReport({ learn, valid, adapter: device.info, data, bestMse, config, watch, interrupted, diverged });
      const writeReport = async () => {
        report.seconds.total = watch.total;
        if (flags.report !== undefined) await writeFileAtomic(flags.report, `${JSON.stringify(report, null, 2)}\n`);
      };
      if (isLost) {
        await writeReport();
        throw diverged;
      }
      printLines(resultLines(report));
      if (!flags.quiet && data.nValid > 0 && ring.size === 1) printLines(`\n${await samplePredictions(learn)}`);
      await allOf(
        () => saveTo(flags.out, learn, flags, tell),
        async () => void (saves && ring.rank > 0 && (await learn.tables())), // as rank 0 does to save them
        () => plotTo(flags.plots, learn, tell),
        writeReport,
      );
    });
  });
}

/** The file by which a model is there: in a folder its index. */
const modelFile = (out: string | undefined) => (out !== undefined && isFolderName(out) ? join(out, MODEL_INDEX) : out);

async function saveTo(out: string | undefined, learn: CollabLearner, { ratings }: TrainFlags, tell: Tell): Promise<void> {
  if (out === undefined) return;
  await saveModel(learn, out, { ratings });
  tell('');
  tell(`Model saved to ${out}`);
}

async function plotTo(dir: string | undefined, learn: CollabLearner, tell: Tell): Promise<void> {
  if (dir !== undefined) tell(`Plots in ${dir}: ${(await writePlots(learn, dir)).join(', ')}`);
}

/** Does all of it, so that what fails does not keep the rest from being saved; then throws the first error. */
async function allOf(...works: (() => Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const work of works) await work().catch((error: unknown) => errors.push(error));
  for (const error of errors.slice(1)) note(describeError(error));
  if (errors.length > 0) throw errors[0];
}

/** Whether the model is that of the best epoch, whatever came after. */
const hasBest = ({ history }: CollabLearner, { keepBest }: TrainFlags) => keepBest === true && history.epochs.length > 0;

const COLUMNS = ['epoch', 'train_loss', 'valid_loss', 'time'];

/** How a fit came to its end before its time. */
interface EarlyEnd {
  /** A signal cut it short. */
  interrupted: boolean;
  diverged?: DivergedError | undefined;
}

/** Trains and prints the table. */
async function fit(learn: CollabLearner, flags: TrainFlags, tell: Tell, interrupt: Interrupt, times: RankTimes): Promise<EarlyEnd> {
  const { epochs, lr, quiet = false } = flags;
  const { notes, callbacks, checkpoint, resume } = await prepareRun(flags, learn);
  notes.forEach(note);
  const {
    stepsPerEpoch,
    options: { batchSize },
  } = learn.trainer;
  const progress = await trainingProgress(batchSize, quiet);
  const printEpoch = ({ epoch, trainLoss, validLoss, trainSeconds, validateSeconds }: EpochRecord) =>
    tell(epochLine(COLUMNS, [String(epoch), sixDecimals(trainLoss), sixDecimals(validLoss), clock(trainSeconds + validateSeconds)]));
  const printHead = ({ records }: Fit) => {
    tell(epochLine(COLUMNS));
    records.forEach(printEpoch); // those before a resume
  };
  try {
    await learn.fitOneCycle(epochs, lr, {
      callbacks: [{ onBegin: printHead }, ...callbacks],
      checkpoint,
      resume,
      signal: interrupt.signal,
      onProgress: ({ epoch, step, trainLoss }) => progress.update(step - epoch * stepsPerEpoch, stepsPerEpoch, trainLoss),
      onEpoch: async (record) => {
        const slow = await times.lap();
        progress.clear();
        printEpoch(record);
        note(slow);
      },
    });
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    if (hasBest(learn, flags)) {
      progress.clear();
      note(`${error.message} What follows is the model of the best epoch.`);
      process.exitCode = 1;
    }
    return { interrupted: false, diverged: error };
  } finally {
    progress.clear();
  }
  if (!interrupt.signal.aborted || learn.history.epochs.length === epochs) return { interrupted: false };
  const resumable = flags.checkpointDir !== undefined && learn.history.epochs.length > 0;
  const advice = resumable ? ' --resume goes on after the last complete epoch.' : '';
  note(`Interrupted after ${learn.history.losses.length} of ${epochs * stepsPerEpoch} steps.${advice}`);
  process.exitCode = interrupt.exitCode;
  return { interrupted: true };
}

async function samplePredictions(learn: CollabLearner): Promise<string> {
  const results = await learn.showResults(10);
  const titled = results.some(({ title }) => title !== undefined);
  const rows = results.map(({ user, item, title, rating, prediction }) => [
    String(user),
    String(item),
    String(rating),
    prediction.toFixed(2),
    ...(titled ? [title ?? ''] : []),
  ]);
  const head = ['user', 'item', 'rating', 'prediction', ...(titled ? ['title'] : [])];
  return alignedTable(head, rows, ['right', 'right', 'right', 'right', 'left']);
}
