import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { BatchesOn } from '../../src/steps/stepper.js';
import { ratingsPerRow } from '../../src/data/ratings-per-row.js';
import { mostSteps, touchedRows, windowSize } from '../../src/train/window-size.js';

const MIB = 2 ** 20;
const LAVAPIPE = { maxBinding: 128 * MIB, memoryBudget: 4096 * MIB, info: { isSoftware: true } };
const GPU = { maxBinding: 2048 * MIB, memoryBudget: 4096 * MIB, info: { isSoftware: false } };

/** Ratings of which each user has as many, and each item. */
function evenRatings(nUsers: number, nItems: number, n: number) {
  const column = (rows: number) => Uint32Array.from({ length: n }, (_, k) => k % rows);
  return { users: column(nUsers), items: column(nItems), ratings: new Float32Array(n) };
}

interface Shape {
  nUsers: number;
  nItems: number;
  n: number;
  nFactors: number;
  batchSize: number;
  gpu?: typeof LAVAPIPE;
  batches?: BatchesOn;
  isLazy?: boolean;
}

function inputOf({ nUsers, nItems, n, nFactors, batchSize, gpu = LAVAPIPE, batches = 'host', isLazy = true }: Shape) {
  const layout = { nRows: nUsers + nItems, rowStride: 4 * (Math.ceil(nFactors / 4) + 1) };
  const perRow = () => ratingsPerRow(evenRatings(nUsers, nItems, n), nUsers, layout.nRows);
  return { nTrain: n, perRow, batchSize, layout, gpu, batches, isLazy };
}

/** The share of the pass over all rows in the work of a window. */
function shareOfEnter(shape: Shape): number {
  const { nTrain, perRow, batchSize, layout } = inputOf(shape);
  const perStep = 6 * touchedRows(perRow(), nTrain, batchSize) + 2 * batchSize;
  const enter = 3 * layout.nRows;
  return enter / (enter + windowSize(inputOf(shape)) * perStep);
}

test('a row counts as touched as often as it is in a batch on average, and never more than once', () => {
  const perRow = Uint32Array.of(0, 3, 1, 0, 2, 2);
  assert.is(touchedRows(perRow, 4, 1), 2); // 3/4 + 1/4, and 2/4 + 2/4
  assert.is(touchedRows(perRow, 4, 2), 1 + 0.5 + 1 + 1);
  assert.is(touchedRows(perRow, 4, 4), 4);
});

test('the pass over all rows is at most an eighth of the work of a window that fits', () => {
  const sizes = fc.record({
    nUsers: fc.integer({ min: 2, max: 50_000 }),
    nItems: fc.integer({ min: 2, max: 50_000 }),
    n: fc.integer({ min: 1, max: 50_000 }),
    nFactors: fc.integer({ min: 1, max: 128 }),
    batchSize: fc.integer({ min: 1, max: 65_536 }),
  });
  fc.assert(
    fc.property(sizes, (shape) => {
      const input = inputOf({ ...shape, batchSize: Math.min(shape.batchSize, shape.n) });
      const share = shareOfEnter({ ...shape, batchSize: input.batchSize });
      assert.ok(share <= 1 / 8 || windowSize(input) === mostSteps(input), String(share));
    }),
    { numRuns: 50 },
  );
});

test('a window is as long as some 0.03 s of work on lavapipe, and eight times as long on a GPU, of 16 steps at least', () => {
  const ml100k = { nUsers: 944, nItems: 1683, n: 80_000, nFactors: 40 };
  const steps = (shape: Partial<Shape>) => windowSize(inputOf({ ...ml100k, batchSize: 64, ...shape }));
  const perStep = (6 * 128 + 128) * 44; // of even ratings nobody has two in a batch, on average
  assert.is(steps({}), Math.floor(21e6 / perStep));
  assert.ok(Math.abs(steps({ gpu: GPU }) - 8 * steps({})) <= 8);
  const large = { batchSize: 65_536, gpu: GPU };
  assert.equal([steps(large), steps({ ...large, nFactors: 400 })], [26, 16]);
  assert.ok(steps({ nFactors: 400 }) < steps({}) / 8);
  assert.ok(steps({ batchSize: 4096 }) < steps({}) / 9);
  assert.is(steps({ nFactors: 4000, batchSize: 65_536 }), 1, 'and never none');
});

test('5 million ratings of 220,000 rows in batches of 8,192 take many windows', () => {
  const steps = windowSize(inputOf({ nUsers: 200_000, nItems: 20_000, n: 5_000_000, nFactors: 40, batchSize: 8192 }));
  assert.is(steps, Math.ceil((7 * 3 * 220_000) / (6 * 2 * 8192 + 2 * 8192)));
  assert.ok(steps < 5_000_000 / 8192 / 12, String(steps));
});

test('a window of dense steps, which pass over all rows in each, is short where the tables are large', () => {
  const dense = { nFactors: 40, batchSize: 64, n: 100_000, isLazy: false };
  assert.is(windowSize(inputOf({ ...dense, nUsers: 1000, nItems: 1600 })), Math.floor(21e6 / ((8 * 2600 + 128) * 44)));
  assert.is(windowSize(inputOf({ ...dense, nUsers: 160_000, nItems: 60_000 })), 1);
});

test('no buffer of a window outgrows its binding', () => {
  for (const batchSize of [64, 4096, 65_536]) {
    for (const batches of ['host', 'device'] as const) {
      const input = inputOf({ nUsers: 500_000, nItems: 100_000, n: 1_000_000, nFactors: 8, batchSize, batches });
      const steps = windowSize(input);
      assert.ok(steps > 1 && steps <= mostSteps(input));
      const perStep = [32 * batchSize, 2048 * (Math.ceil(batchSize / 256) + 1)]; // touches; digits of device-made batches
      assert.ok(Math.max(...perStep) * steps <= LAVAPIPE.maxBinding, `${batchSize}, ${batches}: ${steps}`);
    }
  }
});

test('a window that the device makes has bits for its rows that fit a binding, and at most 1,024 steps', () => {
  const shape = { nUsers: 20, nItems: 20, n: 1000, nFactors: 1, batchSize: 1, batches: 'device' } as const;
  assert.is(mostSteps(inputOf(shape)), 1024);
  const layout = { nRows: 8_000_000, rowStride: 4 };
  const most = mostSteps({ ...inputOf(shape), layout });
  assert.is(most, 127);
  assert.ok(4 * Math.ceil((most + 1) / 32) * layout.nRows <= LAVAPIPE.maxBinding);
  assert.is(mostSteps({ ...inputOf(shape), layout: { nRows: 1e9, rowStride: 4 } }), 1, 'a window has a step, whatever is refused later');
});

test('a window takes at most an eighth of the memory budget', () => {
  const small = { ...GPU, memoryBudget: 64 * MIB };
  const most = mostSteps(inputOf({ nUsers: 20, nItems: 20, n: 1000, nFactors: 1, batchSize: 1000, gpu: small }));
  assert.is(most, Math.floor((8 * MIB) / (128 * 1000 + 2048)));
});

test.run();
