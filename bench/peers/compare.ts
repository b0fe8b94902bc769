/** The table of one size: who is faster first, and no ratio for a rival that does not learn the same thing. */
import { spread, summarise } from '../measure.js';
import type { Section } from '../report.js';

/** What a rival prints. */
export interface Run {
  device: string;
  nSteps: number;
  seconds: number;
  /** From the start of the program to the end of its second step. */
  startSeconds: number;
  /** On the validation set after the last step; null if it was stopped before. */
  mse: number | null;
  losses: number[];
}

/** A rival's runs, one per round that it took part in, or why it cannot run. */
export interface Turns {
  name: string;
  runs: Run[] | string;
}

export const OURS = 'dotbias';

/**
 * Losses of one step agree if they differ by no more than this share. Rivals that do the same were within 3e-5 over 7,030 steps
 * of 64; with an eps of 1e-6, a weight decay of 0.08 or rows that stand still without a rating, C++ was off by 2e-3, 7e-3 and
 * 0.6 within the first 1,000.
 */
export const TOLERANCE = 1e-4;
/** So many steps are compared, or as many as both made. */
export const COMPARED_STEPS = 1000;
/** Every rival makes at least so many steps, whatever time it takes, or is not compared. */
export const FEWEST_STEPS = 16;

/** @param nSteps of the whole work, to which a run is extrapolated that was stopped before */
export function compare(title: string, nSteps: number, turns: readonly Turns[]): Section {
  const ours = turns.find(({ name }) => name === OURS)?.runs;
  if (ours === undefined || typeof ours === 'string' || ours.length === 0) throw new Error(`dotbias itself failed: ${ours}`);
  const compared = turns.map(({ name, runs }): { row: Section['rows'][number]; times: number } => {
    if (typeof runs === 'string') return { row: { name, device: `cannot run: ${runs}` }, times: Infinity };
    const [{ device, nSteps: steps, losses }] = runs;
    const how = { 'steps run': steps, turns: runs.length, 'losses off by': largestDifference(losses, ours[0].losses) };
    const reason = runs.map((run) => difference(run.losses, ours[0].losses)).find((each) => each !== undefined);
    if (reason !== undefined) return { row: { name, ...how, device: `no ratio: ${reason}` }, times: Number.MAX_VALUE };
    const timing = summarise(runs.map(usPerStep));
    const times = summarise(runs.map((run, round) => usPerStep(run) / usPerStep(ours[Math.min(round, ours.length - 1)]))).median;
    const mse = runs.find((run) => run.mse !== null)?.mse ?? undefined;
    const row = {
      name,
      'us per step': timing.median,
      spread: spread(timing),
      'times dotbias': times,
      'all steps, s': `${((timing.median * nSteps) / 1e6).toPrecision(3)}${mse === undefined ? ' (extrapolated)' : ''}`,
      'start, s': summarise(runs.map(({ startSeconds }) => startSeconds)).median,
      'valid MSE': mse?.toFixed(4) ?? '',
      ...how,
      device,
    };
    return { row, times };
  });
  const rows = compared.toSorted((a, b) => (a.times === b.times ? 0 : a.times - b.times)).map(({ row }) => row);
  return { title, notes: [verdict(rows)], rows };
}

/** Where a figure is worse than a rival's, in a sentence. */
function verdict(rows: Section['rows']): string {
  const ratios = rows.flatMap(({ name, 'times dotbias': times }) => (name !== OURS && typeof times === 'number' ? [{ name, times }] : []));
  if (ratios.length === 0) return 'There is nothing to compare dotbias with here.';
  const faster = ratios.filter(({ times }) => times < 1);
  if (faster.length === 0) return `Faster than all others (${ratios.length}).`;
  const list = faster.map(({ name, times }) => `${(1 / times).toFixed(2)} times as long as ${name}`).join('; ');
  return `SLOWER than ${faster.length} of ${ratios.length} others. dotbias takes ${list}.`;
}

/** What differs in the losses of the first steps; undefined if they agree. */
export function difference(losses: readonly number[], ours: readonly number[]): string | undefined {
  const steps = Math.min(losses.length, ours.length, COMPARED_STEPS);
  if (steps < FEWEST_STEPS) return `only ${steps} of the ${FEWEST_STEPS} steps were made that are compared at least`;
  for (let step = 0; step < steps; step++) {
    // Written so that a NaN differs.
    if (!(Math.abs(losses[step] - ours[step]) <= TOLERANCE * ours[step])) {
      return `its loss is ${shown(losses[step])} at step ${step}, that of dotbias ${shown(ours[step])}`;
    }
  }
  return undefined;
}

/** Relative to the loss, over all steps that both made. */
function largestDifference(losses: readonly number[], ours: readonly number[]): number {
  const steps = Math.min(losses.length, ours.length);
  if (steps === 0) return NaN;
  return losses.slice(0, steps).reduce((most, loss, step) => Math.max(most, Math.abs(loss - ours[step]) / ours[step]), 0);
}

export function usPerStep({ seconds, nSteps }: Run): number {
  return (1e6 * seconds) / nSteps;
}

const shown = (loss: number) => (Number.isFinite(loss) ? loss.toPrecision(6) : String(loss));
