import type { RatingsDescription } from '../data/describe.js';
import { domainOf } from './domain.js';
import type { PlotData } from './plot-data.js';
import { thin } from './thin.js';

/** The popularity curve: number of ratings of each item, from the most rated to the least, both axes logarithmic. */
export function popularityPlotData({
  itemCounts,
  popularity,
  items,
}: Pick<RatingsDescription, 'itemCounts' | 'popularity' | 'items'>): PlotData {
  const ranks = Float64Array.from(itemCounts, (_, k) => k + 1);
  const [one, ten] = [0.01, 0.1].map((share) => popularity.find((each) => each.share === share)!.ratings);
  return {
    title: 'Popularity of the items',
    caption: `The most rated 1 % of the items have ${percent(one)} of the ratings, the most rated 10 % have ${percent(ten)}.`,
    x: { label: 'rank of the item', scale: 'log', domain: [1, Math.max(2, items.n)] },
    y: { label: 'number of ratings', scale: 'log', domain: [1, Math.max(2, items.max)] },
    series: [{ kind: 'line', name: 'items', tone: 'primary', ...logThin(ranks, itemCounts) }],
    marks: [{ label: `median: ${items.median}`, x: (items.n + 1) / 2, y: items.median }],
    references: [],
  };
}

/** How often each rating was given. */
export function ratingPlotData({ rating, nRatings }: Pick<RatingsDescription, 'rating' | 'nRatings'>): PlotData {
  const { histogram, mean, sd, min, max } = rating;
  const isSingle = histogram.every(({ from, to }) => from === to);
  const half = Math.min(...histogram.slice(1).map(({ from }, k) => from - histogram[k].from), histogram.length > 1 ? Infinity : 1) / 2;
  const shares = histogram.map(({ count }) => (100 * count) / nRatings);
  const room = isSingle ? half : 0;
  return {
    title: 'Ratings',
    caption: `${nRatings.toLocaleString('en')} ratings, ${mean.toFixed(2)} on average, with a standard deviation of ${sd.toFixed(2)}.`,
    x: {
      label: 'rating',
      scale: 'linear',
      domain: [min - room, max + room],
      ...(isSingle && { ticks: histogram.map(({ from }) => from) }),
    },
    y: { label: 'share of the ratings, in %', scale: 'linear', domain: domainOf([shares], true) },
    series: [
      {
        kind: 'bars',
        name: 'ratings',
        tone: 'primary',
        from: histogram.map(({ from }) => from - room),
        to: histogram.map(({ to }) => to + room),
        y: shares,
      },
    ],
    marks: [],
    references: [{ label: `mean ${mean.toFixed(2)}`, x: mean }],
  };
}

const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;

/** Of a falling curve the points that can be told apart where x is logarithmic, in their order. */
function logThin(x: Float64Array, y: Uint32Array): { x: number[]; y: number[] } {
  const last = x.length - 1;
  const kept = x.filter((rank, k) => k === 0 || k === last || Math.floor(200 * Math.log(rank)) > Math.floor(200 * Math.log(rank - 1)));
  return thin(
    kept,
    kept.map((rank) => y[rank - 1]),
    4000,
  );
}
