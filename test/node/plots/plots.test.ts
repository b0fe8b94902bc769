import type { History } from '../../../src/train/fit.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseHTML } from 'linkedom';
import { lrFinderResult } from '../../../src/schedule/lr-finder.js';
import { errorByCountPlot, itemMapPlot, lossPlot, lrFinderPlot, predictionPlot, schedulePlot } from '../../../src/node/plots/plots.js';
import { lrSweep, oneCycle } from '../../../src/schedule/schedule.js';

const test = suite('plots');

const sweep = lrSweep({ startLr: 1e-7, endLr: 10, numIt: 100, beta1: 0.9 });
const finder = lrFinderResult(
  sweep.lr,
  Array.from(sweep.lr, (lr) => 2 - Math.min(1, 20 * lr) + lr ** 2),
  { numIt: 100 },
);

const N_STEPS = 3000;
const schedule = oneCycle({ totalSteps: N_STEPS, lrMax: 0.01 });
const losses = Array.from({ length: N_STEPS }, (_, k) => 1 / (1 + k) + (k % 7) / 100);
const epochs = [0, 1, 2].map((epoch) => ({
  epoch,
  trainLoss: 1,
  validLoss: 0.5 + 0.1 * epoch,
  valid: { loss: 0.5, mse: 0.5, rmse: 0.7, mae: 0.6 },
  trainSeconds: 1,
  validateSeconds: 0,
}));
const history: History = { losses, smoothLosses: losses, lrs: [...schedule.lr], beta1s: [...schedule.beta1], epochs };

const pairs = Array.from({ length: 400 }, (_, k) => ({ rating: 1 + (k % 5), prediction: 2 + ((k * 7) % 20) / 10, count: k % 40 }));

const points = Array.from({ length: 60 }, (_, k) => ({
  item: k,
  title: `A film with a title, no. ${k}`,
  x: (k * 17) % 60,
  y: (k * k) % 47,
  nRatings: 100 - k,
}));

/** The parts of a drawing that can be asked for. */
function parse(svg: string) {
  const { document } = parseHTML(`<body>${svg}</body>`);
  const texts = [...document.querySelectorAll('text')].map((text) => text.textContent ?? '');
  const count = (selector: string) => document.querySelectorAll(selector).length;
  return { texts, count };
}

const plots = {
  lrFinderPlot: () => lrFinderPlot(finder),
  lossPlot: () => lossPlot(history, { stepsPerEpoch: 1000 }),
  schedulePlot: () => schedulePlot(history),
  predictionPlot: () => predictionPlot(pairs),
  errorByCountPlot: () => errorByCountPlot(pairs),
  itemMapPlot: () => itemMapPlot(points),
};
for (const [name, draw] of Object.entries(plots)) {
  test(`${name} is one standalone SVG on white, without anything undefined in it`, async () => {
    const svg = await draw();
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+" height="\d+"/);
    assert.match(svg, /<rect width="100%" height="100%" fill="white"\/>/);
    assert.match(svg, /<\/svg>\n$/);
    assert.is(svg.match(/<svg/g)!.length, svg.match(/<\/svg>/g)!.length);
    assert.not.match(svg, /NaN|undefined|Infinity/);
    assert.ok(svg.length < 200_000, `${svg.length} bytes`);
  });

  test(`${name} is the same for the same input`, async () => {
    assert.ok((await draw()) === (await draw()));
  });
}

test('the finder names both axes and each suggestion with its rate', async () => {
  const { texts } = parse(await lrFinderPlot(finder));
  for (const label of [
    'learning rate',
    'smoothed training loss',
    `valley ${finder.valley.toExponential(1)}`,
    `minimum ${finder.minimum.toExponential(1)}`,
  ]) {
    assert.ok(texts.includes(label), `${label} in ${texts}`);
  }
});

test('the loss plot shows validation only where it knows the epochs', async () => {
  assert.ok(parse(await lossPlot(history, { stepsPerEpoch: 1000 })).texts.includes('validation'));
  const without = parse(await lossPlot(history)).texts;
  assert.ok(without.includes('training') && !without.includes('validation'));
});

test('the schedule plot has learning rate and momentum', async () => {
  const { texts } = parse(await schedulePlot(history));
  assert.ok(texts.includes('learning rate') && texts.includes('momentum'));
});

test('few different ratings are drawn as boxes, many as dots', async () => {
  const boxes = parse(await predictionPlot(pairs));
  const dots = parse(await predictionPlot(pairs.map(({ rating, prediction }, k) => ({ rating: rating + k / 1000, prediction }))));
  assert.is(boxes.count('[aria-label="bar"] rect'), 5);
  assert.is(dots.count('[aria-label="dot"] circle'), pairs.length);
});

test('errors are grouped by powers of two of the count', async () => {
  const { texts, count } = parse(await errorByCountPlot(pairs, 'user'));
  assert.is(count('[aria-label="dot"] circle'), 7);
  for (const label of ['0', '1', '2-3', '32-63', 'training ratings of the user', 'RMSE']) assert.ok(texts.includes(label), label);
});

test('the map has a point for each item, and cut titles of the most rated', async () => {
  const { texts, count } = parse(await itemMapPlot(points));
  assert.is(count('[aria-label="dot"] circle'), 60);
  const labels = texts.filter((text) => text.startsWith('A film'));
  assert.is(labels[0], 'A film with a title, no. 0');
  assert.ok(labels.length > 20 && labels.length <= 60);
  const long = parse(await itemMapPlot([{ ...points[0], title: 'x'.repeat(50) }])).texts.find((text) => text.startsWith('xx'));
  assert.is(long, `${'x'.repeat(31)}…`);
});

test('an empty history and an empty set of predictions still give a drawing', async () => {
  const empty: History = { losses: [], smoothLosses: [], lrs: [], beta1s: [], epochs: [] };
  for (const svg of await Promise.all([lossPlot(empty), schedulePlot(empty), predictionPlot([]), errorByCountPlot([]), itemMapPlot([])])) {
    assert.match(svg, /<\/svg>\n$/);
  }
});

test.run();
