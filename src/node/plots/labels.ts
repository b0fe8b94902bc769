/** Where to put labels beside points so that none covers another. All lengths are in pixels. */

/** A point and its label; y grows downwards. */
export interface LabelledPoint {
  x: number;
  y: number;
  label: string;
}

/** Where a label goes: the way from its point to the left end, the centre or the right end of the text, half-way up. */
export interface LabelPlace {
  dx: number;
  dy: number;
  anchor: 'start' | 'middle' | 'end';
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The places to try, in this order: right, left, above, below, and the corners. */
const PLACES: LabelPlace[] = [
  { dx: 6, dy: 0, anchor: 'start' },
  { dx: -6, dy: 0, anchor: 'end' },
  { dx: 0, dy: -10, anchor: 'middle' },
  { dx: 0, dy: 10, anchor: 'middle' },
  { dx: 4, dy: -9, anchor: 'start' },
  { dx: 4, dy: 9, anchor: 'start' },
  { dx: -4, dy: -9, anchor: 'end' },
  { dx: -4, dy: 9, anchor: 'end' },
];
const RADIUS = 3;

/**
 * Places labels greedily: each in turn takes the first place where it covers neither another label nor a point and lies
 * within `area`. A label for which there is no such place is left out (undefined), but its point is drawn.
 */
export function placeLabels(points: readonly LabelledPoint[], area: Box, fontSize: number): (LabelPlace | undefined)[] {
  const taken: Box[] = points.map(({ x, y }) => ({ left: x - RADIUS, right: x + RADIUS, top: y - RADIUS, bottom: y + RADIUS }));
  return points.map(({ x, y, label }) => {
    const width = textWidth(label, fontSize);
    for (const place of PLACES) {
      const left = x + place.dx - width * { start: 0, middle: 0.5, end: 1 }[place.anchor];
      const box = { left, right: left + width, top: y + place.dy - fontSize * 0.6, bottom: y + place.dy + fontSize * 0.6 };
      const inside = box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;
      if (!inside || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      return place;
    }
    return undefined;
  });
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Width of a text in a sans-serif face: rather more than Helvetica and Arial need. */
function textWidth(text: string, fontSize: number): number {
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
