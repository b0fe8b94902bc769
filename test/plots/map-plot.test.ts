import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { itemMapPlotData, type MapAxis, type MapPoint } from '../../src/index.js';

const points: MapPoint[] = Array.from({ length: 60 }, (_, k) => ({
  item: k,
  ...(k !== 3 && { title: `A film with a title, no. ${k}` }),
  x: k === 40 ? 500 : (k * 17) % 60,
  y: (k * k) % 47,
  nRatings: 100 - k,
}));
const axis: MapAxis = { low: [points[0], points[3]], high: [points[1], points[2]], explainedVariance: 0.123 };
const map = { points, axes: [axis, axis] as const };

test('all points are there, those that matter first: the most rated and the farthest out by turns', () => {
  const [dots] = itemMapPlotData(map).series;
  assert.ok(dots.kind === 'dots');
  assert.equal(
    [...dots.sizes!].sort((a, b) => b - a),
    points.map(({ nRatings }) => nRatings),
  );
  assert.equal([dots.labels![0], dots.labels![1]], [points[0].title, points[40].title]);
  assert.is(dots.labels!.indexOf(points[1].title!) < 4, true);
  assert.is(new Set(dots.labels).size, 60);
});

test('an item without a title is labelled by its id, and long titles are cut', () => {
  const [dots] = itemMapPlotData({ ...map, points: [points[3], { ...points[0], title: 'x'.repeat(50) }] }).series;
  assert.ok(dots.kind === 'dots');
  assert.equal(dots.labels, ['3', `${'x'.repeat(39)}…`]);
});

test('axes say which items lie at their ends, and how much of the variance they explain', () => {
  const { x } = itemMapPlotData(map);
  assert.equal(x.ends, [
    [points[0].title, '3'],
    [points[1].title, points[2].title],
  ]);
  assert.is(x.label, 'first component (12 % of the variance)');
  assert.is(itemMapPlotData({ ...map, axes: [{ ...axis, low: [], high: [] }, axis] }).x.ends, undefined);
});

test('marks such as a visitor lie within the axes', () => {
  const { marks, x, y } = itemMapPlotData(map, [{ label: 'you', x: -900, y: 1000 }]);
  assert.equal(marks, [{ label: 'you', x: -900, y: 1000 }]);
  assert.ok(x.domain[0] < -900 && y.domain[1] > 1000);
});

test('an empty map is a plot too', () => {
  const none = { low: [], high: [], explainedVariance: 0 };
  assert.equal(itemMapPlotData({ points: [], axes: [none, none] }).x.domain, [0, 1]);
});

test.run();
