/** What strata cost on one device, and what ranks save: the same steps in one part, in several, and on several processes. */
import { spawnSync } from 'node:child_process';
import { inOwnProcess, onRanks } from '../own-process.js';
import type { Section } from '../report.js';
import type { Rank, StrataOnce } from './rank.js';

const STRATA = 8;
const MIB = 2 ** 20;

/** @param sizes sets, with their batch sizes */
export async function benchStrata(
  adapter: string,
  name: string,
  sizes: readonly (readonly [set: string, batchSize: number])[],
): Promise<Section> {
  const rows: Section['rows'] = [];
  const launcher = findLauncher();
  for (const [set, batchSize] of sizes) {
    const args = (strata: number, parts: number) => [adapter, set, batchSize, strata, parts].map(String);
    const alone = async (strata: number, parts: number) =>
      (await inOwnProcess<StrataOnce>('strata/rank.js', ...args(strata, parts))).result;
    const plain = await alone(1, 1);
    const row = (how: string, { data, ranks, formula, losses, mse }: StrataOnce) => {
      const most = (of: keyof Rank) => Math.max(...ranks.map((rank) => rank[of]));
      const sum = (of: keyof Rank) => ranks.reduce((total, rank) => total + rank[of], 0);
      rows.push({
        data,
        batch: batchSize,
        how,
        's per epoch': most('seconds'),
        'times plain': most('seconds') / plain.ranks[0].seconds,
        'CPU-s, all ranks': sum('cpuSeconds'),
        'MiB sent by a rank': most('shifted') / MIB,
        'by formula': formula / MIB,
        'losses told, MiB': most('told') / MIB,
        'RSS of a rank, MiB': most('processMiB'),
        'device of a rank, MiB': most('gpuMiB'),
        'valid MSE': mse,
        losses: losses.slice(0, 8),
      });
    };
    row('plain order', plain);
    for (const parts of [1, 2, 4, 8]) row(`${STRATA} strata, ${parts === 1 ? '1 part' : `${parts} parts`}`, await alone(STRATA, parts));
    if (launcher === undefined) continue;
    for (const n of [2, 4]) {
      row(`${STRATA} strata, ${n} ranks`, (await onRanks<StrataOnce>(launcher, n, 'strata/rank.js', ...args(STRATA, n))).result);
    }
  }
  const notes = [
    'Means of the second and third epoch, validation included; ranks share this machine and its device. Equal losses have one fingerprint.',
  ];
  if (launcher === undefined)
    notes.push('No ranks: there is no mpirun on the PATH, or the package koffi is missing (NODE_PATH names its folder).');
  return { title: `Strata on ${name}`, notes, rows };
}

/** The launcher of this machine, with what it needs where ranks outnumber cores. */
function findLauncher(): string[] | undefined {
  const { stdout, status } = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const launcher = /open ?mpi|openrte/i.test(stdout)
    ? 'mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1'.split(' ')
    : ['mpirun'];
  const { status: found } = spawnSync(process.execPath, ['--eval', "require('koffi')"]);
  return found === 0 ? launcher : undefined;
}
