import { join } from 'node:path';
import { agree, gatherTexts, type Ring } from '../../base/ring.js';
import { VERSION } from '../../base/version.js';
import { dataFingerprint } from '../../train/identity.js';
import { RankTimes } from '../process/rank-times.js';
import { openRanks } from '../process/ranks.js';
import { collabLearner } from '../../train/make-learner.js';
import type { Command } from 'commander';
import { MODEL_INDEX } from '../../files/sharded-model.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { canHash, modelHashes, type SavedAs } from '../../node/files/model-hashes.js';
import { trainingConfig } from '../../files/model-file.js';
import { isFolderName, saveModel } from '../../node/files/model-file.js';
import type { Prepared } from '../../node/ratings/prepared.js';
import { CollabModel } from '../../answer/collab-model.js';
import { knownPairs } from '../../answer/trained-model.js';
import type { SourcedData } from '../print/train-report.js';
import { type CollabLearner } from '../../train/learner.js';
import { addConfigOption, applyConfig } from '../options/config.js';
import { readData } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, withDevice } from '../options/device.js';
import { checkEpochs } from '../options/fit.js';
import { threadsOf, learnerOptions, rangeChoice } from '../options/model.js';
import { inputsOf } from '../options/inputs.js';
import { checkFiles } from '../options/outputs.js';
import { addKeepOptions, checkRun, type RunFlags } from '../options/run.js';
import { addTrainSettings, settingsOf, type TrainSettings } from '../options/settings.js';
import { checkSpace } from '../options/space.js';
import { adaptersNote, adapterText, dataLine, deviceLine, rangeLine, steppingNote, strataLine } from '../print/head.js';
import { alignedTable } from '../print/table.js';
import { resultLines, trainReport } from '../print/train-report.js';
import { describeError, UsageError } from '../process/errors.js';
import { interruptible } from '../process/interrupt.js';
import { Stopwatch } from '../process/stopwatch.js';
import { note, print, printLines } from '../process/terminal.js';
import { fitAndTell, hasBest, type Tell } from './train-fit.js';
import { plotFiles, writePlots } from './train-plots.js';

interface TrainFlags extends TrainSettings, DeviceFlags, RunFlags {
  config?: string | undefined;
  out?: string | undefined;
  ratings: boolean;
  plots?: string | undefined;
  report?: string | undefined;
  quiet?: boolean | undefined;
}

/** Adds `dotbias train`. */
export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .summary('train a model on ratings')
    .description("Trains a model with the 1-cycle policy, and prints fastai's table, the validation errors and some predictions.");
  addDeviceOptions(addKeepOptions(addTrainSettings(addConfigOption(command))))
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
      'write settings, losses, errors and timings as JSON, and hashes of data and model: see --config and dotbias reproduce',
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

async function train(_: unknown, command: Command): Promise<void> {
  await applyConfig(command);
  const flags = command.opts<TrainFlags>();
  const ring = await openRanks();
  if (ring.size > 1) checkTogether(flags);
  const mine = ring.rank === 0 ? flags : { ...flags, out: undefined, report: undefined, history: undefined, tensorboard: undefined };
  await trainOn(ring, mine, { out: flags.out, report: flags.report !== undefined });
  await ring.close();
}

/** Refuses what several ranks cannot do yet. */
function checkTogether({ keepBest, plots }: TrainFlags): void {
  const refused = Object.entries({ '--keep-best': keepBest, '--plots': plots });
  const [flag] = refused.find(([, value]) => value !== undefined && value !== false) ?? [];
  if (flag !== undefined)
    throw new UsageError(`${flag} needs the whole model, and each rank has a part: leave it out, or train in one process.`);
}

/** Trains; on several ranks each its parts. @param saves what all ranks save together */
async function trainOn(ring: Ring, flags: TrainFlags, saves: { out: string | undefined; report: boolean }): Promise<void> {
  const tell = (line: string) => void (flags.quiet || print(line));
  const watch = new Stopwatch();
  await checkFiles({
    reads: { ...(await inputsOf(flags)), '--config': flags.config },
    writes: {
      '--out': flags.out && modelFile(flags.out),
      '--report': flags.report,
      '--history': flags.history,
      '--tensorboard': flags.tensorboard && join(flags.tensorboard, 'events.out.tfevents'),
      '--plots': plotFiles(flags.plots),
    },
    checkpointDir: flags.checkpointDir,
  });
  const own = { config: '', history: '', tensorboard: '', quiet: '' };
  await agree(ring, { version: VERSION, ...flags, ...saves, ...own });
  await checkRun(flags, ring);

  // What is downloaded by default is downloaded by rank 0 alone.
  const isDownloaded = flags.data === undefined && flags.trainFile === undefined;
  if (ring.rank > 0 && isDownloaded) await ring.meet();
  const sourced = await watch.time('data', () => readData(flags, ring));
  if (ring.rank === 0 && isDownloaded) await ring.meet();
  const { data, split } = sourced;
  await agree(ring, { ratings: dataFingerprint(data) });
  checkEpochs(flags.epochs, data.stepsPerEpoch);
  const opened = watch.start('device');
  await withDevice(flags, threadsOf(flags), async ({ gpu, ...device }) => {
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
      const ended = await fitAndTell(learn, flags, tell, interrupt, times);
      const { diverged } = ended;
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
        ...('validPct' in split && { validPct: split.validPct }),
      };
      const options = settingsOf({ ...flags, validPct: config.validPct });
      const report = trainReport({ ...ended, learn, valid, adapter: device.info, sourced, options, config, watch });
      const hashes = saves.report && !isLost && canHash(learn.embeddings.shape);
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
      let saved: SavedAs | undefined;
      await allOf(
        async () => void (saved = await saveTo(saves.out, learn, sourced, flags, tell)),
        () => plotTo(flags.plots, learn, tell),
        async () => void (hashes && (report.model = await modelHashes(learn, saved))),
        writeReport,
      );
    });
  });
}

/** The file by which a model is there: in a folder its index. */
const modelFile = (out: string) => (isFolderName(out) ? join(out, MODEL_INDEX) : out);

/** The model of a rank that has a share of the ratings: for one file rank 0 reads all ids, and where they are asked for all ratings. */
async function fromShare(learn: CollabLearner, prepared: Prepared, isOneFile: boolean, ratings: boolean): Promise<CollabModel> {
  const residualVariance = await learn.residualVariance();
  const isReader = isOneFile && learn.embeddings.ring?.rank === 0;
  const whole = isReader ? await prepared.content({ ratings }) : learn.info;
  const valid = whole.valid && knownPairs(whole.valid);
  return new CollabModel(learn.embeddings, { ...learn.info, ...whole, valid, residualVariance });
}

async function saveTo(
  out: string | undefined,
  learn: CollabLearner,
  { prepared }: SourcedData,
  { ratings }: TrainFlags,
  tell: Tell,
): Promise<SavedAs | undefined> {
  if (out === undefined) return undefined;
  const training = trainingConfig(learn);
  const model = learn.data.share === undefined ? learn : await fromShare(learn, prepared!, !isFolderName(out), ratings);
  await saveModel(model, out, { ratings, training });
  tell('');
  tell(`Model saved to ${out}`);
  return { path: modelFile(out), ratings };
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
