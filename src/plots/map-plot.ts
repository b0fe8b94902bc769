import type { ItemMap, MapAxis, MapPoint } from '../answer/item-map.js';
import { domainOf, short } from './domain.js';
import type { PlotAxis, PlotData, PlotMark } from './plot-data.js';

/** Longer titles are cut. */
const MAX_TITLE = 40;

/**
 * Items on the map of the first two components, those whose label matters most first: by turns the most rated one, and the one
 * farthest out. The area of a dot is the number of training ratings.
 *
 * @param marks what else to put on the map, such as a visitor at `map.project(user.factors)`
 */
export function itemMapPlotData({ points, axes }: Pick<ItemMap, 'points' | 'axes'>, marks: readonly PlotMark[] = []): PlotData {
  const ordered = byImportance(points);
  const [x, y] = [ordered.map((point) => point.x), ordered.map((point) => point.y)];
  const [first, second] = axes;
  return {
    title: 'Map of taste',
    caption: 'Items that lie near each other are liked by the same people. The area of a dot is the number of ratings.',
    x: mapAxis('first component', first, [x, marks.map((mark) => mark.x)]),
    y: mapAxis('second component', second, [y, marks.map((mark) => mark.y)]),
    series: [
      {
        kind: 'dots',
        name: 'items',
        tone: 'primary',
        x,
        y,
        sizes: ordered.map(({ nRatings }) => nRatings),
        labels: ordered.map(labelOf),
      },
    ],
    marks: marks.slice(),
    references: [],
  };
}

function mapAxis(label: string, { low, high, explainedVariance }: MapAxis, values: number[][]): PlotAxis {
  return {
    label: `${label} (${short(100 * explainedVariance)} % of the variance)`,
    scale: 'linear',
    domain: domainOf(values),
    ...(low.length > 0 && { ends: [low.map(labelOf), high.map(labelOf)] }),
  };
}

function labelOf({ item, title = String(item) }: MapPoint): string {
  return title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE - 1)}…` : title;
}

/** By turns the next most rated point and the next farthest from the middle, in deviations of each axis. */
function byImportance(points: readonly MapPoint[]): MapPoint[] {
  const deviation = (key: 'x' | 'y') => {
    const mean = points.reduce((sum, point) => sum + point[key], 0) / points.length;
    const sd = Math.sqrt(points.reduce((sum, point) => sum + (point[key] - mean) ** 2, 0) / points.length) || 1;
    return (point: MapPoint) => (point[key] - mean) / sd;
  };
  const [dx, dy] = [deviation('x'), deviation('y')];
  const distance = new Map(points.map((point) => [point, Math.hypot(dx(point), dy(point))]));
  const farthest = points.slice().sort((a, b) => distance.get(b)! - distance.get(a)!);
  const ordered = new Set<MapPoint>();
  points.forEach((point, k) => ordered.add(point).add(farthest[k]));
  return [...ordered];
}
