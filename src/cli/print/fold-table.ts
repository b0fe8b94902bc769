import type { Scores } from '../../evaluate/evaluate.js';
import { epochLine } from './table.js';
import { clock, fourDecimals } from './text.js';

/** The table of `dotbias evaluate`, which is printed line by line. */
export interface FoldTable {
  head: string;
  /** A fold, their mean or their standard deviation, which takes no time. */
  line(name: string, scores: Scores, seconds?: number): string;
}

/** @param topK length of the lists judged; undefined where only predictions are */
export function foldTable(names: readonly string[], topK?: number): FoldTable {
  const first = 'fold'.padEnd(Math.max(...names.map((name) => name.length)));
  const errors: [string, keyof Scores][] = [
    ['MSE', 'mse'],
    ['RMSE', 'rmse'],
    ['MAE', 'mae'],
    ['R2', 'r2'],
  ];
  const ranking: [string, keyof Scores][] = [
    [`prec@${topK}`, 'precision'],
    [`recall@${topK}`, 'recall'],
    [`NDCG@${topK}`, 'ndcg'],
    [`MAP@${topK}`, 'map'],
    ['coverage', 'coverage'],
  ];
  const columns = topK === undefined ? errors : [...errors, ...ranking];
  const head = [first, ...columns.map(([title]) => title), 'time'];
  return {
    head: epochLine(head),
    line(name, scores, seconds) {
      const values = columns.map(([, score]) => fourDecimals(scores[score]));
      return epochLine(head, [name, ...values, ...(seconds === undefined ? [] : [clock(seconds)])]);
    },
  };
}
