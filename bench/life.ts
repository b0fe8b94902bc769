/** What a process keeps of the devices that it opened and closed: memory, threads and handles must not grow with them. */
import { inOwnProcess } from './own-process.js';
import type { LifeOnce, Life } from './life-once.js';
import type { Section } from './report.js';

const LIVES: readonly (readonly [life: Life, what: string])[] = [
  ['learner', 'collabLearner, one epoch, release'],
  ['device', 'openGpu, destroy'],
];

/** @param rounds after how many rounds to look, ascending */
export async function benchLife(adapter: string, name: string, rounds: readonly number[]): Promise<Section> {
  const rows: Section['rows'] = [];
  const notes = ['Each round opens a device of its own and closes it. A process for each of the two; round 0: before the first.'];
  for (const [life, what] of LIVES) {
    const { result, stderr } = await inOwnProcess<LifeOnce[]>('life-once.js', adapter, life, ...rounds.map(String));
    for (const { round, rssMiB, threads, handles, secondsPerRound } of result) {
      rows.push({ 'a round': what, rounds: round, 'RSS, MiB': rssMiB, threads, handles, 's per round': secondsPerRound });
    }
    const lines = stderr.split('\n').filter(Boolean);
    if (lines.length > 0) notes.push(`${what}: ${lines.length} lines on stderr, the first: ${lines[0]}`);
  }
  return { title: `Life of devices on ${name}`, notes, rows };
}
