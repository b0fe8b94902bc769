/**
 * How good rankings are, on the host in float64. A metric judges the ranked list of one user (item indices, best first)
 * against the items that are relevant to that user; `meanOverUsers` averages it. A list shorter than k counts as if it were
 * filled up with irrelevant items, so that recommending less gains nothing.
 */
import { checkNotNegative, checkWhole } from '../base/check.js';

/** The items that are relevant to one user. A map gives each a grade, 0 meaning not relevant; in a set each has grade 1. */
export type Relevant = ReadonlySet<number> | ReadonlyMap<number, number>;

/**
 * A metric of one user's ranked list (distinct item indices, best first) at cut-off k. Those below lie in [0, 1]. They
 * throw a RangeError if k is not a whole number of at least 1, if the first k items of the list are not distinct, if a
 * grade is negative or not finite, or if no item is relevant, where the value is undefined.
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
 * min(k, R), as Kaggle's MAP@k does, rather than by R lets a perfect list reach 1 where more than k items are relevant.
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
 * Normalised discounted cumulative gain at k, DCG/IDCG: DCG = sum_{i<=k} grade(i)/log2(i + 1), and IDCG is the DCG of the
 * best possible list (Jarvelin and Kekalainen 2002). A set gives the binary form.
 */
export const ndcgAtK: RankingMetric = (ranked, relevant, k) => ndcg(judge(ranked, relevant, k), k, (grade) => grade);

/** NDCG at k with gain 2^grade - 1 (Burges et al. 2005), which stresses top grades. For a set it equals `ndcgAtK`. */
export const ndcgExponentialAtK: RankingMetric = (ranked, relevant, k) => ndcg(judge(ranked, relevant, k), k, (grade) => 2 ** grade - 1);

function ndcg({ list, ideal }: Judged, k: number, gain: (grade: number) => number): number {
  const dcg = (grades: number[]) => grades.reduce((sum, grade, i) => sum + gain(grade) / Math.log2(i + 2), 0);
  return dcg(list) / dcg(ideal.slice(0, k));
}

interface Judged {
  /** Grades of the first k items listed; 0 where an item is not relevant. */
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
  for (const [item, grade] of relevant) checkNotNegative(`The grade of item ${item}`, grade);
  return [...relevant.values()].filter((grade) => grade > 0);
}

function top(ranked: ArrayLike<number>, k: number): number[] {
  checkWhole('k', k);
  return Array.from({ length: Math.min(k, ranked.length) }, (_, i) => ranked[i]);
}

/** The ranked list of one user, and the items that are relevant to that user. */
export interface UserRanking {
  /** Distinct item indices, best first. */
  ranked: ArrayLike<number>;
  relevant: Relevant;
}

/**
 * The mean of a metric over the users to whom at least one item is relevant; the others are left out.
 *
 * @throws RangeError as the metric does, and if no user is left
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
 * Catalogue coverage at k: the share of the catalogue that is among the first k items of some list (Ge et al. 2010).
 *
 * @param rankedLists one list per user, best first
 * @param nCatalogue number of items that could be recommended, so without `#na#`
 * @throws RangeError if k or nCatalogue is not a whole number of at least 1, or more items are listed than exist
 */
export function catalogueCoverage(rankedLists: Iterable<ArrayLike<number>>, nCatalogue: number, k: number): number {
  checkWhole('nCatalogue', nCatalogue);
  const seen = new Set<number>();
  for (const ranked of rankedLists) for (const item of top(ranked, k)) seen.add(item);
  if (seen.size > nCatalogue) {
    throw new RangeError(`${seen.size} different items were recommended from a catalogue of ${nCatalogue}.`);
  }
  return seen.size / nCatalogue;
}
