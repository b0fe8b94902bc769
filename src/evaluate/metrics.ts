/**
 * How good predictions and rankings are, on the host in float64.
 *
 * Regression metrics compare arrays of predictions and targets. Ranking metrics judge one user's ranked list (item
 * indices, best first) against the items that are relevant to that user; `meanOverUsers` averages them. A list shorter
 * than k counts as if filled up with irrelevant items: nobody gains by recommending less.
 */

// ---- Regression -----------------------------------------------------------------------------------------------------

/**
 * Mean squared error, (1/n) sum (yHat - y)^2.
 * @throws RangeError if there is nothing to compare or the lengths differ.
 */
export function mse(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  return meanOfErrors(yHat, y, (error) => error * error);
}

/** Root mean squared error, sqrt(mse). @throws RangeError as `mse`. */
export function rmse(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  return Math.sqrt(mse(yHat, y));
}

/** Mean absolute error, (1/n) sum |yHat - y|. @throws RangeError as `mse`. */
export function mae(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  return meanOfErrors(yHat, y, Math.abs);
}

/**
 * Coefficient of determination, 1 - sum (y - yHat)^2 / sum (y - mean y)^2: 1 is perfect, 0 is no better than always
 * predicting the mean target.
 * @throws RangeError as `mse`, and if all targets are equal (the ratio is undefined).
 */
export function r2(yHat: ArrayLike<number>, y: ArrayLike<number>): number {
  const residual = mse(yHat, y);
  const targets = Float64Array.from(y);
  if (targets.every((target) => target === targets[0])) {
    throw new RangeError(`R2 is undefined: all ${y.length} targets equal ${y[0]}.`);
  }
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  return (
    1 -
    residual /
      mse(
        targets.map(() => mean),
        targets,
      )
  );
}

function meanOfErrors(yHat: ArrayLike<number>, y: ArrayLike<number>, cost: (error: number) => number): number {
  if (yHat.length !== y.length) {
    throw new RangeError(`Predictions and targets must be equally many, not ${yHat.length} and ${y.length}.`);
  }
  if (y.length === 0) throw new RangeError('There are no predictions to evaluate.');
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += cost(yHat[i] - y[i]);
  return sum / y.length;
}

// ---- Ranking: one user ----------------------------------------------------------------------------------------------

/** The items relevant to one user; a map gives each a grade, 0 meaning not relevant, where a set counts as grade 1. */
export type Relevant = ReadonlySet<number> | ReadonlyMap<number, number>;

/**
 * A metric of one user's ranked list (distinct item indices, best first) at cut-off k. All those below lie in [0, 1]
 * and throw a RangeError if k is not a whole number of at least 1, if the first k name an item twice, if a grade is
 * negative or not finite, or if no item is relevant: the value is then undefined.
 *
 * In the formulas hit(i) is 1 if the item at rank i, counted from 1, is relevant and 0 otherwise, and R is the number
 * of relevant items. Source unless stated: Manning, Raghavan and Schuetze, Introduction to Information Retrieval
 * (2008), chapter 8.
 */
export type RankingMetric = (ranked: ArrayLike<number>, relevant: Relevant, k: number) => number;

/** Precision at k, (1/k) sum_{i<=k} hit(i). */
export const precisionAtK: RankingMetric = (ranked, relevant, k) => judge(ranked, relevant, k).nHits / k;

/** Recall at k, (1/R) sum_{i<=k} hit(i). */
export const recallAtK: RankingMetric = (ranked, relevant, k) => {
  const { nHits, ideal } = judge(ranked, relevant, k);
  return nHits / ideal.length;
};

/** Hit rate at k: 1 if any of the first k items is relevant, else 0. */
export const hitRateAtK: RankingMetric = (ranked, relevant, k) => (judge(ranked, relevant, k).nHits > 0 ? 1 : 0);

/** Reciprocal rank, 1/(rank of the first relevant item), or 0 if it is not among the first k. Its mean is the MRR. */
export const reciprocalRankAtK: RankingMetric = (ranked, relevant, k) => {
  const first = judge(ranked, relevant, k).list.findIndex((grade) => grade > 0);
  return first < 0 ? 0 : 1 / (first + 1);
};

/**
 * Average precision at k, (1/min(k, R)) sum_{i<=k} hit(i) precision(i). Its mean is the MAP at k. Dividing by
 * min(k, R), as Kaggle's MAP@k does, rather than by R lets a perfect list reach 1 when more than k items are relevant.
 */
export const averagePrecisionAtK: RankingMetric = (ranked, relevant, k) => {
  const { list, ideal } = judge(ranked, relevant, k);
  let found = 0;
  let sum = 0;
  list.forEach((grade, i) => {
    if (grade > 0) sum += ++found / (i + 1);
  });
  return sum / Math.min(k, ideal.length);
};

/**
 * Normalised discounted cumulative gain at k, DCG/IDCG: DCG = sum_{i<=k} grade(i)/log2(i + 1), IDCG that of the best
 * possible list (Jarvelin and Kekalainen 2002). A set gives the binary form.
 */
export const ndcgAtK: RankingMetric = (ranked, relevant, k) => ndcg(judge(ranked, relevant, k), k, (grade) => grade);

/** NDCG at k with gain 2^grade - 1 (Burges et al. 2005), which stresses top grades. For a set the same as `ndcgAtK`. */
export const ndcgExponentialAtK: RankingMetric = (ranked, relevant, k) => ndcg(judge(ranked, relevant, k), k, (grade) => 2 ** grade - 1);

function ndcg({ list, ideal }: Judged, k: number, gain: (grade: number) => number): number {
  const dcg = (grades: number[]) => grades.reduce((sum, grade, i) => sum + gain(grade) / Math.log2(i + 2), 0);
  return dcg(list) / dcg(ideal.slice(0, k));
}

interface Judged {
  /** Grades of the first k items listed; 0 where not relevant. */
  list: number[];
  /** Grades of all relevant items, best first. */
  ideal: number[];
  nHits: number;
}

function judge(ranked: ArrayLike<number>, relevant: Relevant, k: number): Judged {
  const items = top(ranked, k);
  if (new Set(items).size < items.length) throw new RangeError(`The first ${k} of the ranked list name an item twice.`);
  const list = items.map((item) => ('get' in relevant ? (relevant.get(item) ?? 0) : Number(relevant.has(item))));
  const ideal = relevantGrades(relevant).sort((a, b) => b - a);
  if (ideal.length === 0) throw new RangeError('No item is relevant to this user, so the metric is undefined.');
  return { list, ideal, nHits: list.filter((grade) => grade > 0).length };
}

function relevantGrades(relevant: Relevant): number[] {
  if (!('get' in relevant)) return Array.from(relevant, () => 1);
  for (const [item, grade] of relevant) {
    if (!(grade >= 0 && grade < Infinity)) {
      throw new RangeError(`The grade of item ${item} must be a number of at least 0, not ${grade}.`);
    }
  }
  return [...relevant.values()].filter((grade) => grade > 0);
}

function top(ranked: ArrayLike<number>, k: number): number[] {
  if (!Number.isSafeInteger(k) || k < 1) throw new RangeError(`k must be a whole number of at least 1, not ${k}.`);
  return Array.from({ length: Math.min(k, ranked.length) }, (_, i) => ranked[i]);
}

// ---- Ranking: all users ---------------------------------------------------------------------------------------------

/** What was recommended to one user, best first, and what would have been right. */
export interface UserRanking {
  ranked: ArrayLike<number>;
  relevant: Relevant;
}

/**
 * The mean of a metric over the users to whom at least one item is relevant; the others are left out.
 * @throws RangeError as the metric does, and if no user is left.
 */
export function meanOverUsers(metric: RankingMetric, users: Iterable<UserRanking>, k: number): number {
  let sum = 0;
  let n = 0;
  for (const { ranked, relevant } of users) {
    if (relevantGrades(relevant).length === 0) continue;
    sum += metric(ranked, relevant, k);
    n++;
  }
  if (n === 0) throw new RangeError('No user has a relevant item, so there is nothing to evaluate.');
  return sum / n;
}

/**
 * Catalogue coverage at k: the share of the catalogue that appears in some user's first k (Ge et al. 2010).
 * @param rankedLists one list per user, best first
 * @param nCatalogue number of items that could be recommended (`#na#` is not one)
 * @throws RangeError if k or nCatalogue is not a whole number of at least 1, or more items are listed than exist.
 */
export function catalogueCoverage(rankedLists: Iterable<ArrayLike<number>>, nCatalogue: number, k: number): number {
  if (!Number.isSafeInteger(nCatalogue) || nCatalogue < 1) {
    throw new RangeError(`nCatalogue must be a whole number of at least 1, not ${nCatalogue}.`);
  }
  const seen = new Set<number>();
  for (const ranked of rankedLists) for (const item of top(ranked, k)) seen.add(item);
  if (seen.size > nCatalogue) {
    throw new RangeError(`${seen.size} different items were recommended from a catalogue of ${nCatalogue}.`);
  }
  return seen.size / nCatalogue;
}
