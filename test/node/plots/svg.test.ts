import { parseHTML } from 'linkedom';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  errorByCount,
  errorByCountPlotData,
  itemMapPlotData,
  lossPlotData,
  lrFinderResult,
  lrPlotData,
  lrSweep,
  oneCycle,
  type PlotData,
  predictionPlotData,
  residualPlotData,
  residuals,
  schedulePlotData,
} from '../../../src/index.js';
import { plotSvg } from '../../../src/node/plots/svg.js';

const test = suite('plotSvg');

const { lr } = lrSweep();
const finder = lrFinderResult(
  lr,
  Array.from(lr, (rate) => 2 - Math.min(1, 200 * rate) + rate ** 2),
);
const N_STEPS = 3000;
const schedule = oneCycle({ totalSteps: N_STEPS, lrMax: 0.01 });
const losses = Array.from({ length: N_STEPS }, (_, k) => 1 / (1 + k) + (k % 7) / 100);
const epochs = [0.5, 0.6, 0.7].map((validLoss, epoch) => ({
  epoch,
  trainLoss: 1,
  validLoss,
  valid: { loss: 0.5, mse: 0.5, rmse: 0.7, mae: 0.6 },
  trainSeconds: 1,
  validateSeconds: 0,
}));
const history = { losses, smoothLosses: losses, lrs: [...schedule.lr], beta1s: [...schedule.beta1], epochs };
const predicted = {
  ratings: Array.from({ length: 400 }, (_, k) => 1 + (k % 5)),
  predictions: Array.from({ length: 400 }, (_, k) => 2 + ((k * 7) % 20) / 10),
};
const counts = Array.from({ length: 400 }, (_, k) => k % 2000);
const points = Array.from({ length: 60 }, (_, k) => ({
  item: k,
  title: `Film <${k}> & "more"`,
  x: (k * 17) % 60,
  y: (k * k) % 47,
  nRatings: 100 - k,
}));
const axis = { low: points.slice(0, 3), high: points.slice(3, 6), explainedVariance: 0.2 };
const references = [{ label: 'fastai', y: 0.3 }];

const plots: Record<string, PlotData[]> = {
  lrPlotData: [lrPlotData(finder)],
  lossPlotData: [lossPlotData(history, { stepsPerEpoch: 1000, references })],
  schedulePlotData: Object.values(schedulePlotData(history)),
  predictionPlotData: [predictionPlotData(predicted)],
  residualPlotData: [residualPlotData(residuals(predicted))],
  errorByCountPlotData: [errorByCountPlotData(errorByCount(predicted, counts))],
  itemMapPlotData: [itemMapPlotData({ points, axes: [axis, axis] }, [{ label: 'you', x: 10, y: 10 }])],
};

/** The parts of a drawing that can be asked for. */
function parse(svg: string) {
  const { document } = parseHTML(`<body>${svg}</body>`);
  const texts = [...document.querySelectorAll('text')].map((text) => text.textContent ?? '');
  const count = (selector: string) => document.querySelectorAll(selector).length;
  return { document, texts, count };
}

for (const [name, data] of Object.entries(plots)) {
  test(`${name} is drawn as one standalone SVG with its titles, without anything undefined in it`, async () => {
    const svg = await plotSvg(data);
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" class="dotbias-plot" width="\d+" height="\d+"/);
    assert.match(svg, /<\/svg>\n$/);
    assert.is(svg.match(/<svg/g)!.length, 1);
    assert.not.match(svg, /NaN|undefined|Infinity/);
    assert.ok(svg.length < 200_000, `${svg.length} bytes`);
    const { texts, document } = parse(svg);
    for (const { title, x, y } of data) {
      for (const text of [title, x.label, y.label]) assert.ok(texts.includes(text), `${text} in ${texts}`);
      assert.ok(document.querySelector('title')!.textContent!.includes(title));
      assert.ok(document.querySelector('svg')!.getAttribute('aria-label')!.includes(title));
    }
  });

  test(`${name} has only colours that follow the reader's choice of light or dark`, async () => {
    const svg = await plotSvg(data);
    const drawn = svg.replace(/<style>[^]*<\/style>/, '');
    const style = /<style>[^]*<\/style>/.exec(svg)![0];
    assert.match(style, /prefers-color-scheme: dark/);
    const colors = new Set(Array.from(drawn.matchAll(/ (fill|stroke)="([^"]+)"/g), ([, , color]) => color));
    for (const color of colors) {
      assert.ok(['none', 'currentColor'].includes(color) || style.includes(`[fill="${color}"] { fill: var(`), `${color} in ${[...colors]}`);
    }
  });

  test(`${name} is the same for the same input, at any size`, async () => {
    assert.ok((await plotSvg(data)) === (await plotSvg(data)));
    const small = await plotSvg(data, { width: 300, height: 260 });
    assert.match(small, new RegExp(`width="${300 * data.length}" height="260"`));
    assert.not.match(small, /NaN|undefined|Infinity/);
  });
}

test('suggestions of the finder are labelled with their rates', async () => {
  const { texts } = parse(await plotSvg(plots['lrPlotData']));
  for (const { label } of lrPlotData(finder).marks) assert.ok(texts.includes(label), `${label} in ${texts}`);
});

test('a legend names each series once, and a reference line has its label', async () => {
  const { texts } = parse(await plotSvg(plots['lossPlotData']));
  for (const text of ['training, each batch', 'training, smoothed', 'validation', 'fastai']) {
    assert.is(texts.filter((each) => each === text).length, 1, text);
  }
  assert.not(parse(await plotSvg(plots['residualPlotData'])).texts.includes('ratings'), 'no legend for one series');
});

test('each rating has its box, each bin its dot', async () => {
  assert.is(parse(await plotSvg(plots['predictionPlotData'])).count('[aria-label="rect"] rect'), 10); // paper, then the box
  const { count, texts } = parse(await plotSvg(plots['errorByCountPlotData']));
  assert.is(count('[aria-label="dot"] circle'), 10);
  for (const label of ['0', '1', '2–3', '256–511']) assert.ok(texts.includes(label), label);
});

test('the map has a dot for each item, labels as they are written, names at the ends of its axes, and the visitor', async () => {
  const { texts, count } = parse(await plotSvg(plots['itemMapPlotData'], { width: 960, height: 720 }));
  assert.is(count('[aria-label="dot"] circle'), 61);
  assert.ok(texts.filter((text) => /^Film <\d+> & "more"$/.test(text)).length > 20);
  assert.ok(texts.some((text) => text.startsWith('← Film <0> & "more"')));
  assert.ok(texts.some((text) => text.endsWith('Film <4> & "more" →')));
  assert.ok(texts.includes('you'));
});

test('one plot needs no array, and the caller may pass the document that makes the elements', async () => {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const asked = new Set<string | symbol>();
  const counting = new Proxy(document, {
    get(target, name) {
      asked.add(name);
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  }) as unknown as Document;
  const [data] = plots['lrPlotData'];
  assert.ok((await plotSvg(data, { document: counting })) === (await plotSvg([data])));
  assert.ok(asked.has('documentElement'), 'whose elements make others');
});

test('empty plots are drawn too', async () => {
  const empty = { losses: [], smoothLosses: [], lrs: [], beta1s: [], epochs: [] };
  const none = { low: [], high: [], explainedVariance: 0 };
  const data = [
    lossPlotData(empty, { stepsPerEpoch: 3 }),
    schedulePlotData(empty).lr,
    predictionPlotData({ ratings: [], predictions: [] }),
    errorByCountPlotData([]),
    itemMapPlotData({ points: [], axes: [none, none] }),
  ];
  const svg = await plotSvg(data);
  assert.match(svg, /<\/svg>\n$/);
  assert.not.match(svg, /NaN|undefined|Infinity/);
});

test('bad options are refused', async () => {
  const error = async (options: object) => (await plotSvg(plots['lrPlotData'], options).catch((reason: Error) => reason)) as Error;
  assert.match((await error({ width: 0 })).message, /width must be a positive number/);
  assert.match((await error({ size: 3 })).message, /no option 'size'/);
});

test.run();
