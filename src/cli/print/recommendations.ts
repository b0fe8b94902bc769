import type { Contribution } from '../../answer/folded-user.js';
import type { Recommendation } from '../../answer/recommend.js';
import type { Id } from '../../data/ids.js';
import { type Align, alignedTable } from './table.js';
import { nameOf } from './text.js';

/** One line of the list; `because` for a new user, see `FoldedUser.because`. */
export interface Place extends Recommendation {
  /** Standard deviation of the rating about its prediction, with --sd. */
  sd?: number | undefined;
  because?: Contribution[] | undefined;
}

/** What `dotbias recommend --json` prints. */
export interface RecommendationList {
  /** The user, or how many ratings of a new one were used. */
  user?: Id | undefined;
  nRatings?: number | undefined;
  /** Best first. */
  recommendations: Place[];
}

/** The list as a table. */
export function describeList({ recommendations }: RecommendationList): string {
  if (recommendations.length === 0) return 'There is nothing left to recommend: the user has rated every item.';
  const titled = recommendations.some(({ title }) => title !== undefined);
  const explained = recommendations.some(({ because }) => because !== undefined);
  const deviates = recommendations.some(({ sd }) => sd !== undefined);
  const rows = recommendations.map(({ item, title, prediction, sd, because }, k) => [
    String(k + 1),
    String(item),
    ...(titled ? [title ?? ''] : []),
    prediction.toFixed(2),
    ...(deviates ? [sd?.toFixed(2) ?? ''] : []),
    ...(explained ? [reasons(because)] : []),
  ]);
  const head = [
    'rank',
    'item',
    ...(titled ? ['title'] : []),
    'prediction',
    ...(deviates ? ['sd'] : []),
    ...(explained ? ['because you rated'] : []),
  ];
  const align: Align[] = ['right', 'right', ...(titled ? ['left' as const] : []), 'right', ...(deviates ? ['right' as const] : []), 'left'];
  return alignedTable(head, rows, align);
}

/** The two ratings that speak most strongly for an item. */
export function reasons(because: readonly Contribution[] = []): string {
  return because
    .slice(0, 2)
    .filter(({ contribution }) => contribution > 0)
    .map((each) => `${nameOf(each)}: ${each.rating}`)
    .join('; ');
}
