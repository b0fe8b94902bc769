import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { DataError, DivergedError } from '../../base/errors.js';
import type { Evaluation } from '../../evaluate/evaluate.js';
import { SweepDir } from '../../node/files/sweep-dir.js';
import { ofShard, parseShard, planSweep, type Setting, type Settings, type Shard, trialId, varied } from '../../evaluate/sweep.js';
import { VERSION } from '../../base/version.js';
import { addSourceOptions, type SourceFlags } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, deviceLine, openDevice } from '../options/device.js';
import { isRefusal } from '../process/errors.js';
import { trialSettings } from './evaluate.js';
import { interruptible } from '../process/interrupt.js';
import { checkWritable } from '../options/outputs.js';
import { alignedTable, clock } from '../print/table.js';
import { addTrialOptions, FoldSource, runTrial, type TrialFlags } from './trial.js';

const SCORES = ['mse', 'rmse', 'mae', 'r2', 'precision', 'recall', 'ndcg', 'map', 'coverage'] as const;

interface SweepFlags extends SourceFlags, DeviceFlags {
  out: string;
  shard?: Shard;
  summary?: string;
  by: (typeof SCORES)[number];
}

export function addSweep(program: Command): void {
  const command = program
    .command('sweep [file]')
    .summary('try many settings, on one machine or many')
    .description(
      "Evaluates every trial of a sweep file: JSON with settings named as the options of 'dotbias evaluate' in camelCase, under base, grid and random. Trials that are done are skipped, so a sweep can be started again at any time.",
    );
  addDeviceOptions(addSourceOptions(command))
    .option('--out <dir>', 'folder of the results, one JSON file per trial', 'trials')
    .addOption(new Option('--shard <i/n>', 'do only the i-th of n parts, such as 2/8').argParser(parseShard))
    .option('--summary <dir>', 'print the ranking of the trials in a folder, and do nothing else')
    .addOption(new Option('--by <score>', 'what to rank by').choices(SCORES).default('mse'))
    .addHelpText(
      'after',
      '\nExample of a sweep file: {"base": {"epochs": 5, "protocol": "kfold"}, "grid": {"lr": [0.005, 0.01], "wd": [0.1, 0.2]}}',
    )
    .action(sweep);
}

async function sweep(file: string | undefined, flags: SweepFlags): Promise<void> {
  if (flags.summary !== undefined) return printSummary(new SweepDir(flags.summary), flags.by);
  if (file === undefined) throw new TypeError("Name a sweep file, or a folder of results with --summary; see 'dotbias sweep --help'.");
  const trials = planSweep(await readJson(file), (name, value) => void parseTrial({ [name]: value })).map(parseTrial);
  const dir = new SweepDir(flags.out);
  await checkWritable(join(flags.out, 'trial.json'));

  const source = new FoldSource(flags);
  const mine = await toDo(trials, source, dir, flags.shard);
  if (mine.length === 0) return console.log(`Nothing to do: all trials of this part are in ${flags.out}.`);
  const device = await openDevice(flags);
  await interruptible(async (signal) => {
    console.log(deviceLine(device));
    const names = varied(trials.map(trialSettings));
    for (const [i, { id, trial, config }] of mine.entries()) {
      const result = await resultOf(async () => runTrial(trial, await source.folds(trial), { gpu: device.gpu, signal }));
      if (signal.aborted) break;
      await dir.write({ id, version: VERSION, adapter: device.info.description, config, ...result });
      const settings = names.map((name) => `${name} ${show(config[name])}`).join(', ');
      console.log(
        `${i + 1}/${mine.length}  ${settings || id}: ${'error' in result ? result.error : `MSE ${figure(result.mean.mse)}  ${clock(result.seconds)}`}`,
      );
    }
    if (signal.aborted) {
      console.error('Interrupted; the trial under way is lost, those before it are saved. The same command goes on.');
      process.exitCode = 130;
    }
  }).finally(() => device.gpu.destroy());
}

/** A trial, and all that decides its result. */
interface PlannedTrial {
  id: string;
  trial: TrialFlags;
  config: Record<string, unknown>;
}

/** The trials of a shard that have no result yet, each once. */
async function toDo(
  trials: readonly TrialFlags[],
  source: FoldSource,
  dir: SweepDir,
  shard: Shard = { index: 1, count: 1 },
): Promise<PlannedTrial[]> {
  const byId = new Map<string, PlannedTrial>();
  const sources = new Set<string>();
  for (const trial of trials) {
    const ratings = await source.ratings(trial);
    sources.add(ratings.source);
    const config = { ...trialSettings(trial), ratings: ratings.fingerprint };
    const id = trialId(config);
    byId.set(id, { id, trial, config });
  }
  const mine = ofShard([...byId.values()], shard);
  const left: PlannedTrial[] = [];
  for (const planned of mine) if (!(await dir.has(planned.id))) left.push(planned);
  for (const sentence of sources) console.log(sentence);
  console.log(
    `${byId.size} trials${shard.count > 1 ? `, ${mine.length} of them in part ${shard.index}/${shard.count}` : ''}; ${mine.length - left.length} done, ${left.length} to do.`,
  );
  return left;
}

/** What came of a trial. That its settings do not work is a result too: they would not the next time. */
async function resultOf(run: () => Promise<Evaluation>): Promise<Evaluation | { error: string }> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DivergedError || isRefusal(error)) return { error: error.message };
    throw error;
  }
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(`This is not JSON: ${(error as Error).message}.`, { file }, { cause: error });
  }
}

/** Settings as the command line would have them, the others at their defaults. Throws RangeError for what it would refuse. */
function parseTrial(settings: Settings): TrialFlags {
  const command = addTrialOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const args = Object.entries(settings).flatMap(([name, value]) => argumentOf(command, name, value));
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new RangeError(error.message.replace(/^error: (option .*? is invalid\. )?/, ''), { cause: error });
  }
  return command.opts();
}

/** One setting as an argument, such as `--y-range=0,5.5`, `--no-bias`. */
function argumentOf(command: Command, name: string, value: Setting): string[] {
  const options = command.options.filter((option) => option.attributeName() === name);
  if (options.length === 0)
    throw new RangeError(`there is no such setting; known are ${command.options.map((option) => option.attributeName()).join(', ')}.`);
  const [option] = options;
  if (!option.required && !option.optional) {
    if (typeof value !== 'boolean') throw new RangeError('Use true or false.');
    return value === !option.negate ? [option.long!] : [];
  }
  if (typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value)))
    throw new RangeError('Use a number, a text or a list.');
  return [`${option.long}=${value === null ? 'none' : String(value)}`];
}

async function printSummary(dir: SweepDir, by: (typeof SCORES)[number]): Promise<void> {
  const { trials, unreadable } = await dir.list();
  for (const name of unreadable) console.error(`${join(dir.path, name)} is not the result of a trial, and was left out.`);
  const done = trials.filter(({ mean }) => typeof mean?.[by] === 'number');
  const larger = !['mse', 'rmse', 'mae'].includes(by);
  done.sort((a, b) => (larger ? -1 : 1) * (a.mean![by]! - b.mean![by]!));
  if (done.length === 0) throw new DataError(`There are no trials with a mean ${by} here.`, { file: dir.path });
  const names = varied(done.map(({ config }) => config));
  const rows = done.map(({ id, config, mean, sd, seconds }, i) => [
    String(i + 1),
    figure(mean?.[by]),
    figure(sd?.[by]),
    ...names.map((name) => show(config[name])),
    clock(seconds ?? 0),
    id,
  ]);
  console.log(
    alignedTable(['', by, 'sd', ...names, 'time', 'trial'], rows, [
      'right',
      'right',
      'right',
      ...names.map(() => 'right' as const),
      'right',
      'left',
    ]),
  );
  const without = trials.length - done.length;
  if (without > 0)
    console.log(
      `\n${without} ${without === 1 ? 'trial' : 'trials'} without ${by}${trials.some(({ error }) => error) ? ', diverged ones among them' : ''}.`,
    );
}

function figure(value: number | null | undefined): string {
  return typeof value === 'number' && Number.isFinite(value) ? value.toFixed(4) : '-';
}

function show(value: unknown): string {
  return value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
}
