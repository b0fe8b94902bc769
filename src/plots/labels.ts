/** Where to put labels beside points so that none covers another. All lengths are in pixels. */

/** A point and its label, if it has one; y grows downwards. */
export interface LabelledPoint {
  x: number;
  y: number;
  label?: string | undefined;
  /** Of the point's dot. Default 3. */
  radius?: number | undefined;
  /** Up to how many times as far away the label may go, if there is no room beside the point; a line should lead to it. Default 1. */
  reach?: number | undefined;
}

/** Where a label goes: the way from its point to the left end, the centre or the right end of the text, half-way up. */
export interface LabelPlace {
  dx: number;
  dy: number;
  anchor: 'start' | 'middle' | 'end';
}

/** A rectangle. */
export interface LabelArea {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The places to try, in this order: right, left, above, below, and the corners. In radii and in half-heights of the text. */
const PLACES = [
  [1, 0, 'start'],
  [-1, 0, 'end'],
  [0, -1, 'middle'],
  [0, 1, 'middle'],
  [0.7, -0.8, 'start'],
  [0.7, 0.8, 'start'],
  [-0.7, -0.8, 'end'],
  [-0.7, 0.8, 'end'],
] as const;
/** Between a dot and its label. */
const GAP = 3;

/**
 * Places labels greedily: each in turn takes the first place where it covers neither another label nor a point and lies
 * within `area`. A label for which there is no such place is left out (undefined), but its point is drawn. A line from a point to a
 * label farther away crosses no label.
 */
export function placeLabels(points: readonly LabelledPoint[], area: LabelArea, fontSize: number): (LabelPlace | undefined)[] {
  const half = 0.6 * fontSize;
  const dots = points.map(({ x, y, radius = 3 }) => square(x, y, radius));
  const labels: LabelArea[] = [];
  const lines: LabelArea[] = [];
  return points.map(({ x, y, label, radius = 3, reach = 1 }) => {
    if (label === undefined) return undefined;
    const width = textWidth(label, fontSize);
    for (let place = 0; place < PLACES.length * reach; place++) {
      const [right, down, anchor] = PLACES[place % PLACES.length];
      const times = 1 + Math.floor(place / PLACES.length);
      const [dx, dy] = [times * right * (radius + GAP), times * down * (radius + half)];
      const left = x + dx - width * { start: 0, middle: 0.5, end: 1 }[anchor];
      const box = { left, right: left + width, top: y + dy - half, bottom: y + dy + half };
      const inside = box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;
      const covers = (other: LabelArea) => overlap(box, other);
      if (!inside || dots.some(covers) || labels.some(covers) || lines.some(covers)) continue;
      const line =
        times === 1 ? [] : Array.from({ length: 4 * times }, (_, k) => square(x + (k / (4 * times)) * dx, y + (k / (4 * times)) * dy, 1));
      if (line.some((piece) => labels.some((other) => overlap(piece, other)))) continue;
      labels.push(box);
      lines.push(...line);
      return { dx, dy, anchor };
    }
    return undefined;
  });
}

const square = (x: number, y: number, r: number): LabelArea => ({ left: x - r, right: x + r, top: y - r, bottom: y + r });

function overlap(a: LabelArea, b: LabelArea): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Width of a text in a sans-serif face: rather more than Helvetica and Arial need. */
export function textWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const char of text) ems += charWidth(char);
  return ems * fontSize;
}

/** In em. */
function charWidth(char: string): number {
  if (/[ijl.,:;'|!()[\]\- ftr1I]/.test(char)) return 0.36;
  if (/[mwMW@%]/.test(char)) return 0.95;
  if (/[A-Z&]/.test(char)) return 0.74;
  return char.charCodeAt(0) > 0x2e7f ? 1.05 : 0.58; // CJK and what follows it are full-width
}
