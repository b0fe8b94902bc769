/** `npm run bench:peers`: dotbias and its rivals at the same work, in turns. See docs/bench.md. */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openAdapter } from '../../src/node/device/adapter.js';
import { writeFileAtomic } from '../../src/node/disk/files.js';
import { environment, machine, render, resultFile, type Section } from '../report.js';
import { openSet, split } from '../workload.js';
import { COMPARED_STEPS, compare, OURS, type Run, TOLERANCE, type Turns, usPerStep } from './compare.js';
import { type Rival, RIVALS, runOnce } from './run.js';
import { epochsFor, SETS, sizesOf } from './sizes.js';
import { writeWork } from './work.js';

/** A rival that takes so many times as long as dotbias in the first round gets no other. */
const TOO_SLOW = 10;

const { values: flags } = parseArgs({
  options: {
    adapter: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    set: { type: 'string', multiple: true },
    batch: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  const sets = Object.entries(SETS).map(([set, batchSizes]) => `${set} (${batchSizes.join(', ')})`);
  console.log(`npm run bench:peers -- [options]
  --adapter NAME  as in npm run bench
  --rounds N      turns of each rival (default 3)
  --seconds S     training time after which a run is stopped and extrapolated (default 1)
  --set NAME      ratings, with their batch sizes: ${sets.join(', ')};
                  may be given several times (default ml-100k and ml-1m)
  --batch N       batch size instead of those of the set; may be given several times
  --only NAME     rivals whose name contains this; may be given several times
  --json FILE     also write the results there
  --keep          also write the results to bench/results`);
} else {
  await main().catch((error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  });
}

async function main(): Promise<void> {
  const start = performance.now();
  const sizes = sizesOf(flags.set, flags.batch);
  const rivals = RIVALS.filter(
    ({ name }) => name === OURS || !flags.only || flags.only.some((part) => name.toLowerCase().includes(part.toLowerCase())),
  );
  const { info } = await openAdapter({ quiet: true, name: flags.adapter || undefined });
  const about = environment(info, 'wall clock');
  console.log(`dotbias against its peers: ${info.description}`);
  console.log(machine(about));
  console.log(`Rounds in turns: ${flags.rounds}, each run in a process of its own. All have the same starting tables, batches and schedule.
us per step: median of the rounds. times dotbias: median of the rounds' ratios; below 1 is faster than dotbias.
A rival that takes more than ${TOO_SLOW} times as long as dotbias in the first round gets no other turn.
losses off by: the largest difference from the loss of dotbias at the same step, relative to it, over all steps that both made.
A rival gets no ratio if its losses differ by more than ${TOLERANCE} within the first ${COMPARED_STEPS} steps.`);

  const sections: (Section & { load: number[]; turns: Turns[] })[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'dotbias-peers-'));
  try {
    for (const { set, batchSizes } of sizes) {
      const workload = await openSet(set);
      console.log(`\nData: ${workload.source}`);
      for (const batchSize of batchSizes) {
        const epochs = epochsFor(split(workload, batchSize).nTrain, batchSize);
        const { nSteps, nFactors } = await writeWork(folder, workload, batchSize, epochs);
        const before = loadavg()[0];
        const turns = await takeTurns(rivals, folder, workload.columns.ratings.length);
        const title = `${workload.name}, batch ${batchSize}, ${nFactors} factors, ${epochs} epochs, ${nSteps.toLocaleString('en')} steps`;
        const section = compare(title, nSteps, turns);
        const load = [before, loadavg()[0]];
        section.notes.push(`Load ${load.map((each) => each.toFixed(2)).join(' before, ')} after.`);
        sections.push({ ...section, load, turns: turns.map(withoutLosses) });
        console.log(render(section));
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const result = { environment: about, options: flags, sections, seconds: (performance.now() - start) / 1000 };
  const kept = fileURLToPath(new URL(`../../../bench/results/${resultFile(about, 'peers-')}`, import.meta.url));
  for (const file of [...(flags.json !== undefined ? [flags.json] : []), ...(flags.keep ? [kept] : [])]) {
    await writeFileAtomic(file, `${JSON.stringify(result, null, 1)}\n`);
    console.log(`Results: ${file}`);
  }
}

/** The runs of each rival in each round, or why it cannot run. Every round begins with another rival. */
async function takeTurns(rivals: readonly Rival[], folder: string, nRatings: number): Promise<Turns[]> {
  const all: Turns[] = rivals.map(({ name }) => ({ name, runs: [] }));
  const options = { folder, seconds: flags.seconds, adapter: flags.adapter, nRatings };
  for (let round = 0; round < Number(flags.rounds); round++) {
    const order = rivals.map((_, i) => (i + round) % rivals.length);
    const limit = round === 0 ? Infinity : TOO_SLOW * firstTime(all[0]);
    for (const i of order) {
      const { runs } = all[i];
      if (typeof runs === 'string' || (round > 0 && firstTime(all[i]) > limit)) continue;
      try {
        runs.push(await runOnce(rivals[i], options));
      } catch (error) {
        all[i].runs = (error as Error).message;
      }
    }
  }
  return all;
}

function firstTime({ runs }: Turns): number {
  return typeof runs === 'string' ? Infinity : usPerStep(runs[0]);
}

function withoutLosses({ name, runs }: Turns): Turns {
  return { name, runs: typeof runs === 'string' ? runs : runs.map((run): Run => ({ ...run, losses: [] })) };
}
