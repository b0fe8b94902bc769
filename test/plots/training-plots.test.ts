import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type History, lossPlotData, oneCycle, schedulePlotData } from '../../src/index.js';

const N_STEPS = 3000;
const schedule = oneCycle({ totalSteps: N_STEPS, lrMax: 0.01 });
const losses = Array.from({ length: N_STEPS }, (_, k) => 1 / (1 + k) + (k % 7) / 100 + (k === 1234 ? 5 : 0));
const epochs = [0, 1, 2].map((epoch) => ({
  epoch,
  trainLoss: 1,
  validLoss: 0.5 + 0.1 * epoch,
  valid: { loss: 0.5, mse: 0.5, rmse: 0.7, mae: 0.6 },
  trainSeconds: 1,
  validateSeconds: 0,
}));
const history: History = {
  losses,
  smoothLosses: losses.map((loss) => loss / 2),
  lrs: [...schedule.lr],
  beta1s: [...schedule.beta1],
  epochs,
};

test('raw and smoothed losses are thinned, and no peak is lost', () => {
  const { series, y } = lossPlotData(history, { maxPoints: 200 });
  assert.equal(
    series.map(({ name }) => name),
    ['training, each batch', 'training, smoothed'],
  );
  for (const each of series) assert.ok(each.kind === 'line' && each.x.length <= 200 && each.x.includes(1235) && each.x.at(-1) === N_STEPS);
  assert.ok(y.domain[1] > 5);
});

test('validation losses stand at the ends of their epochs, if these are known', () => {
  const { series } = lossPlotData(history, { stepsPerEpoch: 1000 });
  const dots = series.find(({ kind }) => kind === 'dots');
  assert.ok(dots?.kind === 'dots');
  assert.equal([dots.name, dots.x, dots.y], ['validation', [1000, 2000, 3000], [0.5, 0.6, 0.7]]);
});

test('epochs without validation ratings have no validation loss', () => {
  const none = epochs.map((record) => ({ ...record, validLoss: NaN }));
  const { series } = lossPlotData({ ...history, epochs: none }, { stepsPerEpoch: 1000 });
  assert.equal(series.map((each) => each.kind !== 'bars' && each.x.length > 0).filter(Boolean).length, 2);
});

test('a training under way grows into the plot, and reference lines are in it', () => {
  const { x, y, references } = lossPlotData(history, { totalSteps: 9000, references: [{ label: 'fastai', y: 9 }] });
  assert.equal(x.domain, [0, 9000]);
  assert.equal(references, [{ label: 'fastai', y: 9 }]);
  assert.ok(y.domain[1] > 9);
  assert.equal(lossPlotData(history, { totalSteps: 10 }).x.domain, [0, N_STEPS]);
});

test('the schedule has a plot of rates and one of momentum', () => {
  const { lr, beta1 } = schedulePlotData(history, { maxPoints: 100 });
  assert.equal([lr.y.label, beta1.y.label], ['learning rate', 'momentum (beta1)']);
  const [line] = lr.series;
  assert.ok(line.kind === 'line' && line.x.length <= 100);
  assert.is(Math.max(...line.y), Math.max(...schedule.lr));
  assert.equal(schedulePlotData({ lrs: schedule.lr, beta1s: schedule.beta1 }, { maxPoints: 100 }), { lr, beta1 });
});

test('an empty history gives empty plots', () => {
  const empty: History = { losses: [], smoothLosses: [], lrs: [], beta1s: [], epochs: [] };
  const plots = [lossPlotData(empty, { stepsPerEpoch: 5 }), ...Object.values(schedulePlotData(empty))];
  for (const { x, y } of plots)
    assert.equal(
      [x.domain, y.domain],
      [
        [0, 1],
        [0, 1],
      ],
    );
});

test('options that do not exist are refused', () => {
  assert.throws(() => lossPlotData(history, { stepsperEpoch: 3 } as never), /did you mean stepsPerEpoch/);
  assert.throws(() => schedulePlotData(history, { points: 3 } as never), /has no option 'points'/);
});

test.run();
