import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { placeLabels } from '../../src/plots/labels.js';
import { randomSource } from '../helpers/random.js';

const area = { left: 0, right: 400, top: 0, bottom: 300 };

test('a label stands to the right of its point, where there is room', () => {
  const [place] = placeLabels([{ x: 100, y: 100, label: 'Alien' }], area, 11);
  assert.equal(place, { dx: 6, dy: 0, anchor: 'start' });
  const [atEdge] = placeLabels([{ x: 395, y: 100, label: 'Alien' }], area, 11);
  assert.is(atEdge!.anchor, 'end');
});

test('a label without room is left out, a less important one first', () => {
  const crowd = Array.from({ length: 40 }, (_, k) => ({ x: 200 + (k % 8) * 5, y: 150 + Math.floor(k / 8) * 5, label: `Label ${k}` }));
  const places = placeLabels([{ x: 100, y: 100, label: 'Alone' }, ...crowd], area, 11);
  assert.ok(places[0] !== undefined);
  assert.ok(places.includes(undefined));
  const alike = Array.from({ length: 12 }, (_, k) => ({ x: 200, y: 150, label: `At one point ${k}` }));
  const placed = placeLabels(alike, area, 11).map((place) => place !== undefined);
  assert.equal(placed, [...placed].sort().reverse(), 'from the first on');
  assert.ok(placed[0] && !placed[11]);
});

test('no label covers another or a point, nor leaves the area', () => {
  const random = randomSource(7);
  const points = Array.from({ length: 80 }, (_, k) => ({ x: 400 * random(), y: 300 * random(), label: `Film ${k} (1997)` }));
  const fontSize = 10;
  const boxes = placeLabels(points, area, fontSize).flatMap((place, k) => {
    if (!place) return [];
    const width = 0.5 * fontSize * points[k].label.length; // about what Helvetica takes
    const left = points[k].x + place.dx - width * { start: 0, middle: 0.5, end: 1 }[place.anchor];
    return [{ left, right: left + width, top: points[k].y + place.dy - 5, bottom: points[k].y + place.dy + 5 }];
  });
  assert.ok(boxes.length > 20);
  boxes.forEach((a, i) => {
    assert.ok(a.left >= 0 && a.right <= 400 && a.top >= 0 && a.bottom <= 300);
    for (const b of boxes.slice(i + 1)) assert.not(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom);
    for (const { x, y } of points) assert.not(x > a.left && x < a.right && y > a.top && y < a.bottom);
  });
});

test.run();
