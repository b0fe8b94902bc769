import { type LabelArea, type LabelledPoint, placeLabels, textWidth } from '../../plots/labels.js';
import type { PlotData } from '../../plots/plot-data.js';
import { markColor, radiiOf } from './marks.js';
import { LABEL, round, text } from './text.js';
import { COLORS } from './theme.js';

/** So many of the dots that matter most may have their labels farther away. */
const FAR_LABELS = 30;

/** From values to pixels. */
export interface Placement {
  x: (value: number) => number;
  y: (value: number) => number;
}

/** A label to be placed, and how it looks. */
interface Label extends LabelledPoint {
  style?: string | undefined;
}

/** Labels of marks, of reference lines and of dots, those first that matter most; none covers another. */
export function labelsOf({ series, marks, references }: PlotData, at: Placement, area: LabelArea): string[] {
  const place = (x: number, y: number) => ({ x: at.x(x), y: at.y(y) });
  const labels: Label[] = marks.map(({ x, y, label, tone }) => ({
    ...place(x, y),
    label,
    radius: 5,
    reach: 8,
    style: tone === 'muted' ? `fill="${COLORS.soft}"` : `font-weight="bold" fill="${markColor(tone)}"`,
  }));
  for (const { label, ...line } of references) {
    const isUpright = 'x' in line;
    const [x, y] = isUpright ? [at.x(line.x), area.top + 8] : [area.right - textWidth(label, LABEL) / 2 - 2, at.y(line.y)];
    labels.push({ x, y, label, radius: 1, reach: 2, style: `fill="${COLORS.soft}"` });
    if (!isUpright) labels.push(...along([area.left, area.right], [y, y]));
  }
  for (const each of series) {
    if (each.kind === 'dots') {
      const radii = radiiOf(each, area.right - area.left);
      each.x.forEach((x, k) =>
        labels.push({ ...place(x, each.y[k]), label: each.labels?.[k], radius: radii[k], reach: k < FAR_LABELS ? 4 : 1 }),
      );
    } else if (each.kind === 'line' && each.tone !== 'muted') {
      labels.push(...along(each.x.map(at.x), each.y.map(at.y)));
    }
  }
  return placeLabels(labels, area, LABEL).flatMap((found, k) => {
    if (found === undefined) return [];
    const { x, y, label, style = '', radius = 3 } = labels[k];
    const { dx, dy, anchor } = found;
    const halo = `paint-order="stroke" stroke="${COLORS.paper}" stroke-width="3" stroke-linejoin="round"`;
    const written = text(x + dx, y + dy + 0.35 * LABEL, label!, `font-size="${LABEL}" text-anchor="${anchor}" ${halo} ${style}`);
    const isFar = Math.hypot(dx, dy) > radius + 0.6 * LABEL + 1;
    const end = anchor === 'middle' ? dy - Math.sign(dy) * 0.6 * LABEL : dy;
    return isFar
      ? [`<path d="M${round(x)},${round(y)}l${round(dx)},${round(end)}" stroke="${COLORS.soft}" stroke-width="0.7"/>`, written]
      : [written];
  });
}

/** Points without labels along a line, so near to each other that no label fits between them. */
function along(x: readonly number[], y: readonly number[]): Label[] {
  return x.flatMap((each, k) => {
    if (k === 0) return [{ x: each, y: y[k], radius: 1 }];
    const [dx, dy] = [each - x[k - 1], y[k] - y[k - 1]];
    const n = Math.ceil(Math.hypot(dx, dy) / 6);
    return Array.from({ length: n }, (_, i) => ({ x: each - (i / n) * dx, y: y[k] - (i / n) * dy, radius: 1 }));
  });
}
