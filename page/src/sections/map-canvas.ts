/** Draws the map of taste: points by popularity, labels where there is room, the visitor as a star. */
import type { MapPoint } from 'dotbias';
import { colours } from '../chart.js';
import { nameOf } from '../state.js';

export interface Scene {
  points: readonly MapPoint[];
  /** Labelled first, wherever they are. */
  named: ReadonlySet<MapPoint>;
  chosen: MapPoint | undefined;
  near: ReadonlySet<unknown>;
  visitor: readonly [x: number, y: number] | undefined;
}

export interface Frame {
  width: number;
  height: number;
  x: (value: number) => number;
  y: (value: number) => number;
}

const MARGIN = 34;
/** More names than this are no longer read. */
const MOST_LABELS = 60;

/** Where coordinates lie on the canvas: all points and the visitor have room. */
export function frameOf({ points, visitor }: Scene, width: number, height: number): Frame {
  const scale = (values: number[], from: number, to: number) => {
    const [lo, hi] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    return (value: number) => from + ((value - lo) / (hi - lo || 1)) * (to - from);
  };
  return {
    width,
    height,
    x: scale([...points.map(({ x }) => x), ...(visitor ? [visitor[0]] : [])], MARGIN, width - MARGIN),
    y: scale([...points.map(({ y }) => y), ...(visitor ? [visitor[1]] : [])], height - MARGIN, MARGIN),
  };
}

/** The point nearest to a place on the canvas, if it is near enough. */
export function pointAt({ points }: Scene, { x, y }: Frame, left: number, top: number, reach = 22): MapPoint | undefined {
  let best: MapPoint | undefined;
  let least = reach ** 2;
  for (const point of points) {
    const distance = (x(point.x) - left) ** 2 + (y(point.y) - top) ** 2;
    if (distance < least) [best, least] = [point, distance];
  }
  return best;
}

export function drawMap(canvas: HTMLCanvasElement, scene: Scene, frame: Frame): void {
  const { ink, faint, grid, train, valid, mark, ground } = colours();
  const ratio = devicePixelRatio;
  const { width, height, x, y } = frame;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext('2d')!;
  context.scale(ratio, ratio);

  context.strokeStyle = grid;
  context.strokeRect(0.5, 0.5, width - 1, height - 1);
  const most = scene.points.reduce((n, { nRatings }) => Math.max(n, nRatings), 1);
  const radius = (point: MapPoint) => 2 + 6 * Math.sqrt(point.nRatings / most);
  const taken: { left: number; top: number; right: number; bottom: number }[] = [];
  for (const point of scene.points) {
    const isNear = scene.near.has(point.item);
    const isChosen = point === scene.chosen;
    context.beginPath();
    context.arc(x(point.x), y(point.y), radius(point), 0, 7);
    context.globalAlpha = isNear || isChosen ? 1 : 0.3;
    context.fillStyle = isChosen ? mark : isNear ? valid : train;
    context.fill();
  }
  context.globalAlpha = 1;
  if (scene.visitor) {
    const [left, top] = [x(scene.visitor[0]), y(scene.visitor[1])];
    taken.push({ left: left - 18, right: left + 18, top: top - 22, bottom: top + 28 });
  }

  // Labels, the most wanted first, each where no other is.
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const wish = (point: MapPoint) =>
    (point === scene.chosen ? 4 : 0) + (scene.near.has(point.item) ? 2 : 0) + (scene.named.has(point) ? 1 : 0);
  let room = MOST_LABELS;
  for (const point of scene.points.slice().sort((a, b) => wish(b) - wish(a))) {
    if (room === 0) break;
    const text = nameOf(point).replace(/ \(\d{4}\)$/, '');
    const { width: wide } = context.measureText(text);
    const [left, top] = [x(point.x), y(point.y)];
    const gap = radius(point) + 4;
    const places = [left + gap, left - gap - wide].map((from) => ({ left: from, right: from + wide, top: top - 8, bottom: top + 8 }));
    const free = places.find(
      (box) =>
        box.left > 4 &&
        box.right < width - 4 &&
        taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom),
    );
    if (free === undefined) continue;
    room--;
    taken.push({ left: free.left - 10, right: free.right + 10, top: free.top - 5, bottom: free.bottom + 5 });
    context.lineWidth = 3;
    context.strokeStyle = ground;
    context.strokeText(text, free.left, top);
    context.fillStyle = wish(point) > 1 ? ink : faint;
    context.fillText(text, free.left, top);
  }

  if (scene.visitor) {
    const [left, top] = [x(scene.visitor[0]), y(scene.visitor[1])];
    context.font = '30px system-ui, sans-serif';
    context.textAlign = 'center';
    context.lineWidth = 4;
    context.strokeStyle = ground;
    context.strokeText('★', left, top);
    context.fillStyle = mark;
    context.fillText('★', left, top);
    context.font = '600 12px system-ui, sans-serif';
    context.strokeText('you', left, top + 18);
    context.fillText('you', left, top + 18);
  }
}
