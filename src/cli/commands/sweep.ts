import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DataError, DivergedError } from '../../base/errors.js';
import { VERSION } from '../../base/version.js';
import { type Evaluation, SCORES } from '../../evaluate/evaluate.js';
import { parseShard, type Shard, varied } from '../../evaluate/sweep.js';
import type { OpenedGpu } from '../../node/device/device.js';
import { SweepDir } from '../../node/files/sweep-dir.js';
import { addSourceOptions, type SourceFlags } from '../options/data.js';
import { addDeviceOptions, type DeviceFlags, withDevices } from '../options/device.js';
import { threadsOf } from '../options/model.js';
import { inputsOf } from '../options/inputs.js';
import { checkFiles } from '../options/outputs.js';
import { adapterText, deviceLine } from '../print/head.js';
import { ranked, rankingTable, type Score, settingText, withoutScore } from '../print/sweep-summary.js';
import { clock, fourDecimals } from '../print/text.js';
import { isRefusal, UsageError } from '../process/errors.js';
import { interruptible } from '../process/interrupt.js';
import { note, oneLine, print, printLines } from '../process/terminal.js';
import { type PlannedTrial, planTrials, readTrials, type SweepPlan } from './sweep-trials.js';
import { FoldSource, runTrial, trialSettings, usedSettings } from './trial.js';

interface SweepFlags extends SourceFlags, DeviceFlags {
  out: string;
  shard?: Shard | undefined;
  summary?: string | undefined;
  by: Score;
}

/** Adds `dotbias sweep`. */
export function addSweep(program: Command): void {
  const command = program
    .command('sweep [file]')
    .summary('try many settings, on one machine or many')
    .description(
      "Evaluates every trial of a sweep file: JSON with settings named as the options of 'dotbias evaluate' in camelCase, " +
        'under base, grid and random. Trials that are done are skipped, so a sweep can be started again at any time.',
    );
  addDeviceOptions(addSourceOptions(command))
    .option('--out <dir>', 'folder of the results, one JSON file per trial', 'trials')
    .addOption(new Option('--shard <i/n>', 'do only the i-th of n parts, such as 2/8').argParser(shardOption))
    .option('--summary <dir>', 'print the ranking of the trials in a folder, and do nothing else')
    .addOption(new Option('--by <score>', 'what to rank by').choices(SCORES).default('mse'))
    .addHelpText(
      'after',
      '\nExample of a sweep file: {"base": {"epochs": 5, "protocol": "kfold"}, "grid": {"lr": [0.005, 0.01], "wd": [0.1, 0.2]}}',
    )
    .action(sweep);
}

const MAX_SHARDS = 1_000_000;

function shardOption(text: string): Shard {
  try {
    const shard = parseShard(text);
    if (shard.count <= MAX_SHARDS) return shard;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  throw new InvalidArgumentError(`Use at most ${MAX_SHARDS} parts.`);
}

async function sweep(file: string | undefined, flags: SweepFlags): Promise<void> {
  if (flags.summary === '') throw new UsageError('--summary is given an empty name.');
  if (flags.summary !== undefined) return printSummary(new SweepDir(flags.summary), flags.by);
  if (file === undefined) throw new UsageError("Name a sweep file, or a folder of results with --summary; see 'dotbias sweep --help'.");
  const trials = await readTrials(file);
  const dir = new SweepDir(flags.out);
  await checkFiles({
    reads: { ...(await inputsOf(flags)), 'the sweep file': file },
    writes: { '--out': flags.out && join(flags.out, 'trial.json') },
  });
  const source = new FoldSource(flags);
  const shard = flags.shard ?? { index: 1, count: 1 };
  const plan = await planTrials(trials, source, dir, shard);
  printLines(planLines(plan, shard));
  if (plan.toDo.length === 0) return print(`Nothing to do: all trials of this part are in ${flags.out}.`);
  const names = varied(trials.map(trialSettings));
  await withDevices(flags, async (deviceWith) => {
    const named = new Set<OpenedGpu>();
    await interruptible(async (interrupt) => {
      const { signal } = interrupt;
      for (const [i, planned] of plan.toDo.entries()) {
        const { id, trial, config } = planned;
        const device = await deviceWith(threadsOf(trial));
        if (!named.has(device)) print(deviceLine(device));
        named.add(device);
        const result = await resultOf(async () => runTrial(trial, await source.folds(trial), { gpu: device.gpu, signal }));
        if (signal.aborted) break;
        const used = 'error' in result ? config : { ...config, ...usedSettings(trial, result.folds) };
        await dir.write({ id, version: VERSION, adapter: adapterText(device.info), config: used, ...result });
        const outcome = 'error' in result ? result.error : `MSE ${fourDecimals(result.mean.mse)}  ${clock(result.seconds)}`;
        print(`${i + 1}/${plan.toDo.length}  ${describeTrial(planned, names)}: ${outcome}`);
      }
      if (!signal.aborted) return;
      note('Interrupted; the trial under way is lost, those before it are saved. The same command goes on.');
      process.exitCode = interrupt.exitCode;
    });
  });
}

function planLines({ sources, nTrials, nMine, toDo }: SweepPlan, { index, count }: Shard): string {
  const part = count > 1 ? `, ${nMine} of them in part ${index}/${count}` : '';
  return [
    ...sources.map((source) => oneLine(`Data: ${source}`)),
    `${nTrials} trials${part}; ${nMine - toDo.length} done, ${toDo.length} to do.`,
  ].join('\n');
}

/** The settings by which a trial differs from others, or its id if it is alone. */
function describeTrial({ id, config }: PlannedTrial, names: readonly string[]): string {
  return names.map((name) => `${name} ${settingText(config[name])}`).join(', ') || id;
}

/** What came of a trial. Settings that do not work are a result too: they would fail again the next time. */
async function resultOf(run: () => Promise<Evaluation>): Promise<Evaluation | { error: string }> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DivergedError || isRefusal(error)) return { error: error.message };
    throw error;
  }
}

async function printSummary(dir: SweepDir, by: Score): Promise<void> {
  const { trials, unreadable } = await dir.list();
  for (const name of unreadable) note(`${join(dir.path, name)} is not the result of a trial, and was left out.`);
  const best = ranked(trials, by);
  if (best.length === 0) throw new DataError(`There are no trials with a mean ${by} here.`, { file: dir.path });
  const without = withoutScore(trials, by);
  printLines(rankingTable(best, by) + (without && `\n\n${without}`));
}
