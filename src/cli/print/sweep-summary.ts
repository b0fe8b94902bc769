import { counted } from '../../base/count.js';
import type { SCORES } from '../../evaluate/evaluate.js';
import { varied } from '../../evaluate/sweep.js';
import type { TrialRecord } from '../../node/files/sweep-dir.js';
import { alignedTable } from './table.js';
import { clock, fourDecimals } from './text.js';

/** One of the scores of a trial. */
export type Score = (typeof SCORES)[number];

/** The trials that have a score, best first. */
export function ranked(trials: readonly TrialRecord[], by: Score): TrialRecord[] {
  const sign = ['mse', 'rmse', 'mae'].includes(by) ? 1 : -1;
  return trials.filter(({ mean }) => typeof mean?.[by] === 'number').sort((a, b) => sign * (a.mean![by]! - b.mean![by]!));
}

/** The table of ranked trials, with the settings in which they differ. */
export function rankingTable(best: readonly TrialRecord[], by: Score): string {
  const names = varied(best.map(({ config }) => config));
  const rows = best.map(({ id, config, mean, sd, seconds }, i) => [
    String(i + 1),
    fourDecimals(mean?.[by]),
    fourDecimals(sd?.[by]),
    ...names.map((name) => settingText(config[name])),
    clock(seconds ?? 0),
    id,
  ]);
  const head = ['', by, 'sd', ...names, 'time', 'trial'];
  return alignedTable(
    head,
    rows,
    head.map((title) => (title === 'trial' ? 'left' : 'right')),
  );
}

/** A sentence on the trials that have no such score; empty if there are none. */
export function withoutScore(trials: readonly TrialRecord[], by: Score): string {
  const others = trials.filter(({ mean }) => typeof mean?.[by] !== 'number');
  if (others.length === 0) return '';
  return `${counted(others.length, 'trial')} without ${by}${others.some(({ error }) => error) ? ', some because training failed' : ''}.`;
}

/** The value of a setting, as a cell or a phrase. */
export function settingText(value: unknown): string {
  return value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
}
