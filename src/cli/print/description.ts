import { counted, thousands } from '../../base/count.js';
import type { CountSpread, RatingsDescription, RatingStep } from '../../data/describe.js';
import { alignedTable } from './table.js';

/** What `dotbias describe` prints. */
export function descriptionLines(source: string, description: RatingsDescription): string {
  const { nRatings, users, items, coldBelow, density, duplicates, rating, time, popularity } = description;
  const few = `with fewer than ${thousands(coldBelow)}`;
  const side = (name: string, { n, min, median, mean, max, cold }: CountSpread) => [
    name,
    thousands(n),
    thousands(min),
    thousands(median),
    mean.toFixed(1),
    thousands(max),
    `${thousands(cold)} (${percent(cold / n)})`,
  ];
  const { pairs, surplus } = duplicates;
  const are = pairs === 1 ? 'is' : 'are';
  return [
    `Data: ${source}`,
    `${counted(nRatings, 'rating')}: ${percent(density)} of all pairs of user and item are rated.`,
    pairs === 0
      ? 'No user rates an item twice.'
      : `${counted(pairs, 'pair')} of user and item ${are} rated more than once (${counted(surplus, 'rating')} beyond the first).`,
    `Ratings go from ${rating.min} to ${rating.max}, ${rating.mean.toFixed(4)} on average, ` +
      `with a standard deviation of ${rating.sd.toFixed(4)}.`,
    timeLine(time),
    '',
    alignedTable(
      ['', 'number', 'fewest ratings', 'median', 'mean', 'most', few],
      [side('users', users), side('items', items)],
      ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    ),
    '',
    histogram(rating.histogram, nRatings),
    '',
    alignedTable(
      ['most rated items', 'share of items', 'share of ratings'],
      popularity.map(({ share, nItems, ratings }) => [thousands(nItems), percent(share), percent(ratings)]),
      ['right', 'right', 'right'],
    ),
  ].join('\n');
}

function timeLine(time: RatingsDescription['time']): string {
  if (time === undefined) return 'They have no timestamps.';
  const { first, last, firstDate = `timestamp ${first}`, lastDate = `timestamp ${last}` } = time;
  return `They were given from ${firstDate} to ${lastDate}.`;
}

const BAR = 40;

function histogram(steps: readonly RatingStep[], nRatings: number): string {
  const most = Math.max(...steps.map(({ count }) => count));
  const name = ({ from, to }: RatingStep) =>
    from === to ? String(from) : [from, to].map((edge) => short(edge, (to - from) / 100)).join(' to ');
  return alignedTable(
    ['rating', 'number', 'share', ''],
    steps.map((step) => [
      name(step),
      thousands(step.count),
      percent(step.count / nRatings),
      '▇'.repeat(Math.round((BAR * step.count) / most)),
    ]),
    ['right', 'right', 'right', 'left'],
  );
}

/** To a hundredth of the width of a bar. */
const short = (value: number, unit: number) => String(Number((Math.round(value / unit) * unit).toPrecision(4)));

/** With three digits that count. */
const percent = (share: number) => `${share === 0 ? 0 : Number((100 * share).toPrecision(3))} %`;
