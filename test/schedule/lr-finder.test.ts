import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { lrFinderResult, shouldStop, suggest } from '../../src/schedule/lr-finder.js';
import { lrSweep } from '../../src/schedule/schedule.js';

const { traces } = JSON.parse(readFileSync(new URL('../../../test/fixtures/lr_find.json', import.meta.url), 'utf8'));

const near = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= 1e-12 * Math.abs(expected), `${what}: ${actual} is not ${expected}`);

/** A sweep long enough for every rule as fastai has it: nothing trimmed, so indices are those of `losses`. */
const untrimmed = (losses: number[]) => {
  const lrs = losses.map((_, i) => 1e-5 * 2 ** i);
  const found = suggest(lrs, losses, { skipStart: 0, skipEnd: 0 });
  return { lrs, ...found };
};

for (const trace of traces) {
  const name = `${trace.recipe}, ${trace.y_range ? 'with' : 'without'} yRange`;
  const { lr: lrs } = lrSweep({ startLr: trace.start_lr, endLr: trace.end_lr, numIt: trace.num_it });

  test(`${name}: smoothing, stop and all suggestions equal fastai's`, () => {
    const found = lrFinderResult(lrs, trace.loss, { beforeValley: true });
    const { v2, v1_default: v1 } = trace.suggestions;
    assert.is(found.stopped, trace.reason === 'diverged' ? 'diverged' : 'finished');
    assert.is(found.losses.length, trace.n_batches_run);
    assert.is(found.lrs.length, trace.n_batches_run);
    trace.smooth_loss.forEach((loss: number, k: number) => near(found.losses[k], loss, `smoothed loss ${k}`));
    near(Math.min(...found.losses), trace.best_smooth, 'best');
    near(found.valley, v2.valley_lr, 'valley');
    near(found.steep, v2.steep_lr, 'steep');
    near(found.slide, v2.slide_lr, 'slide');
    near(found.minimum, v2.minimum_lr_div10, 'minimum');
    near(found.minGradient, v1.min_grad_lr, 'min gradient');
    near(found.minimum, v1.min_loss_lr_div10, 'v1 minimum');
  });

  test(`${name}: fastai v1's plot with skip_end 15 gives its suggestions`, () => {
    const { skip_start: skipStart, skip_end: skipEnd, ...expected } = trace.suggestions.v1_tutorial;
    const found = suggest(trace.lr, trace.smooth_loss, { skipStart, skipEnd, beforeValley: true });
    near(found.minGradient, expected.min_grad_lr, 'min gradient');
    near(found.minimum, expected.min_loss_lr_div10, 'minimum');
  });

  test(`${name}: losses after the stop change nothing`, () => {
    const longer = [...trace.loss, ...Array(lrs.length - trace.loss.length).fill(NaN)];
    assert.equal(lrFinderResult(lrs, longer), lrFinderResult(lrs, trace.loss));
  });
}

test('what the noise before the valley looks like decides nothing', () => {
  const { lr } = lrSweep();
  const [calm] = traces;
  const found = suggest(lr, calm.smooth_loss);
  assert.ok(found.steep > 1e-3 && found.minGradient > 5e-4, `${found.steep} ${found.minGradient}`);
  const noisy = calm.smooth_loss.map((loss: number, k: number) => (k < 20 ? loss + (k % 3) - 2 : loss));
  for (const rule of ['steep', 'minimum', 'minGradient'] as const) assert.is(suggest(lr, noisy)[rule], found[rule], rule);
  const all = suggest(lr, noisy, { beforeValley: true });
  for (const rule of ['steep', 'minimum', 'minGradient'] as const) assert.ok(all[rule] < 1e-5, rule);
});

test('a sweep stops beyond four times the best loss, not at it, and at any loss that is not finite', () => {
  assert.not.ok(shouldStop(4, 1));
  assert.ok(shouldStop(4.0000001, 1));
  assert.not.ok(shouldStop(0.5, 0.5));
  assert.ok(shouldStop(NaN, 1));
  assert.ok(shouldStop(Infinity, Infinity));
});

test('the batch that diverged is recorded, and nothing after it', () => {
  const { lr } = lrSweep();
  const losses = Array.from({ length: 100 }, (_, k) => (k < 40 ? 2 - 0.01 * k : 1e6));
  const found = lrFinderResult(lr, losses);
  assert.is(found.stopped, 'diverged');
  assert.is(found.losses.length, 41);
  assert.equal(found.lrs, lr.slice(0, 41));
});

test('a NaN loss stops the sweep; what came before it still gives suggestions', () => {
  const { lr } = lrSweep();
  const found = lrFinderResult(
    lr,
    Array.from({ length: 100 }, (_, k) => (k === 50 ? NaN : 2 - 0.01 * k)),
  );
  assert.is(found.stopped, 'diverged');
  assert.is(found.losses.length, 51);
  for (const rule of ['valley', 'steep', 'slide', 'minimum', 'minGradient'] as const) assert.ok(found[rule] > 0, rule);
});

test("the sweep's own length sets how many first points are ignored", () => {
  const { lr } = lrSweep({ numIt: 200 });
  const losses = Array.from({ length: 200 }, (_, k) => 1 + 0.01 * k); // so the lowest is the first not ignored
  assert.is(lrFinderResult(lr, losses).minimum, lr[20] / 10);
  assert.is(lrFinderResult(lr, losses, { skipStart: 10 }).minimum, lr[10] / 10);
  assert.is(suggest(lr, losses).minimum, lr[10] / 10); // told nothing, it supposes 100 steps
});

test('minimum by hand: a tenth of the rate at the first lowest loss', () => {
  const { lrs, minimum } = untrimmed([3, 2, 1, 2, 1, 3]);
  assert.is(minimum, lrs[2] / 10);
});

test('steep by hand: per ln(lr), so a wide step in lr counts less', () => {
  const lrs = [1, Math.E, Math.E ** 11, Math.E ** 12];
  assert.is(suggest(lrs, [10, 9, 4, 3.5], { skipStart: 0, skipEnd: 0 }).steep, lrs[0]); // slopes -1, -0.5, -0.5
});

test('min gradient by hand: central differences per step, one-sided at the ends', () => {
  const { lrs, minGradient } = untrimmed([10, 9, 6, 5, 5]); // gradients -1, -2, -2, -0.5, 0
  assert.is(minGradient, lrs[1]);
  assert.is(untrimmed([10, 5, 5, 5]).minGradient, 1e-5); // -5, -2.5, 0, 0
});

test('valley by hand: a straight descent of 9 points suggests the fourth', () => {
  // The end is index 8 and its length 9, so start = -1, a third = 3, and -1 + 3 + 1 = 3.
  const { lrs, valley } = untrimmed([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.is(valley, lrs[3]);
});

test('valley by hand: flat, then falling, then rising', () => {
  // The longest descent 5,4,3,2,1 ends at index 8: start 8 - 5 = 3, a third = 5/3.
  const { lrs, valley } = untrimmed([5, 5, 5, 5, 5, 4, 3, 2, 1, 9, 9]);
  assert.is(valley, lrs[3 + 1 + 0]);
});

test('valley looks past bumps: the descent need not be contiguous', () => {
  // 9,8,7,6,5 skips the bumps; it ends at index 8 with length 5, start 3.
  const { lrs, valley } = untrimmed([9, 10, 8, 10, 7, 10, 6, 10, 5, 10]);
  assert.is(valley, lrs[3 + 1 + 0]);
});

test('valley takes the first of two equally long descents', () => {
  const { lrs, valley } = untrimmed([6, 5, 4, 3, 2, 1, 16, 15, 14, 13, 12, 11]);
  assert.is(valley, lrs[-1 + 2 + 1]);
});

test('valley never wraps round to the highest rate when the loss falls only at its first step', () => {
  const { lrs, valley } = untrimmed([2, 1, 5, 6, 7, 8]);
  assert.is(valley, lrs[0]);
  assert.is(untrimmed([1, 2, 3, 4]).valley, lrs[0]);
});

test('slide by hand: the left point where the slopes of two points 15 steps apart agree', () => {
  const flat = Array.from({ length: 20 }, () => 1);
  assert.is(untrimmed(flat).slide, 1e-5 * 2 ** 4); // agree at once: index 20 - 16
  const kink = [...flat, 2, 3, 4, 5]; // slope 0, then 0.5 at index 19, then 1: from index 19 on it differs from the left
  assert.is(untrimmed(kink).slide, 1e-5 * 2 ** 4); // right walks 23..19, left 8..4; at 18 against 3 they agree
});

test('slide ends at the lowest rate when slopes never agree', () => {
  const losses = Array.from({ length: 20 }, (_, i) => i * i);
  assert.is(untrimmed(losses).slide, 1e-5);
});

test("suggestions are rates of the sweep (minimum: a tenth of one) and do not depend on the loss's offset", () => {
  const sweep = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(sweep, (losses) => {
      const { lrs, valley, steep, slide, minimum, minGradient } = untrimmed(losses);
      for (const lr of [valley, steep, slide, minGradient]) assert.ok(lrs.includes(lr));
      assert.ok(lrs.some((lr) => lr / 10 === minimum));
      assert.equal(untrimmed(losses.map((loss) => loss + 512)), untrimmed(losses));
    }),
  );
});

test('the first numIt/10 and last 5 points are ignored, and all from the first loss that is not finite', () => {
  const { lr } = lrSweep();
  const losses = Array.from(lr, (_, k) => 10 - 0.05 * k);
  const base = suggest(lr, losses);
  const ends = losses.map((loss, k) => (k < 10 || k >= 95 ? -1000 : loss));
  assert.equal(suggest(lr, ends), base);
  const broken = losses.map((loss, k) => (k === 60 ? NaN : k > 60 ? -1000 : loss));
  assert.equal(suggest(lr, broken), suggest(lr.slice(0, 60), losses.slice(0, 60), { skipEnd: 0 }));
  assert.is(suggest(lr, broken).minimum, lr[59] / 10);
});

test('too few points are refused with the numbers', () => {
  const { lr } = lrSweep();
  const stop = Array.from({ length: 16 }, (_, k) => (k < 15 ? 1 : 1e6));
  assert.throws(
    () => lrFinderResult(lr, stop),
    (e: Error) => e instanceof RangeError && /of 16 steps, 1 remain .* first 10 .* last 5/.test(e.message),
  );
  assert.throws(
    () => suggest([], []),
    (e: Error) => e instanceof RangeError,
  );
  assert.throws(
    () => suggest([1, 2, 3], [NaN, 1, 1], { skipStart: 0, skipEnd: 0 }),
    (e: Error) => e instanceof RangeError,
  );
  assert.ok(suggest([1, 2], [2, 1], { skipStart: 0, skipEnd: 0 }).valley > 0);
});

test('the shortest sweep leaves enough points', () => {
  assert.ok(lrFinderResult(lrSweep({ numIt: 7 }).lr, [7, 6, 5, 4, 3, 2, 1]).valley > 0);
});

test('lengths that do not fit and broken skips are refused', () => {
  assert.throws(() => suggest([1, 2, 3], [1, 2]), /same length, not 3 and 2/);
  assert.throws(() => lrFinderResult(Float64Array.of(1, 2), [1, 2, 3]), /3 losses but only 2/);
  assert.throws(() => suggest([1, 2], [1, 2], { skipEnd: -1 }), /skipEnd/);
  assert.throws(() => suggest([1, 2], [1, 2], { skipStart: 0.5 }), /skipStart/);
  assert.throws(() => suggest([1, 2], [1, 2], { numIt: NaN }), /numIt/);
  assert.throws(() => suggest([1, 2], [1, 2], { skipend: 0 } as never), /suggest has no option 'skipend'; did you mean skipEnd\?/);
  assert.throws(() => lrFinderResult(Float64Array.of(1), [1], { stopdiv: true } as never), /did you mean stopDiv\?/);
});

test('the end of the longest descent is that of the definition, for any losses', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 2, maxLength: 40 }), (losses) => {
      const length = losses.map(() => 1);
      losses.forEach((loss, i) => {
        for (let j = 0; j < i; j++) if (loss < losses[j]) length[i] = Math.max(length[i], length[j] + 1);
      });
      const longest = Math.max(...length);
      const third = longest / 3;
      const wanted = Math.max(0, length.indexOf(longest) - longest + Math.floor(third) + Math.floor(third / 2));
      const { lrs, valley } = untrimmed(losses);
      assert.is(valley, lrs[wanted]);
    }),
    { numRuns: 500 },
  );
});

test.run();
