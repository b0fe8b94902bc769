import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compare, COMPARED_STEPS, difference, FEWEST_STEPS, type Run, TOLERANCE } from '../../../bench/peers/compare.js';

const LOSSES = Array.from({ length: 40 }, (_, step) => 2 / (1 + step));

function runOf(seconds: number, losses = LOSSES, more: Partial<Run> = {}): Run {
  return { device: 'a device', nSteps: losses.length, seconds, startSeconds: 0.1, mse: null, losses, ...more };
}

const off = (step: number, share: number) => LOSSES.map((loss, k) => (k === step ? loss * (1 + share) : loss));
const table = (...turns: [name: string, runs: Run[] | string][]) =>
  compare(
    'title',
    400,
    turns.map(([name, runs]) => ({ name, runs })),
  );

test('losses agree within the tolerance, and are told apart beyond it, with the step and both losses', () => {
  assert.is(difference(off(30, 0.9 * TOLERANCE), LOSSES), undefined);
  assert.is(difference(off(30, -0.9 * TOLERANCE), LOSSES), undefined);
  assert.is(difference(off(3, 0.01), LOSSES), 'its loss is 0.505000 at step 3, that of dotbias 0.500000');
  assert.match(difference(off(7, -2 * TOLERANCE), LOSSES)!, 'at step 7,');
});

test('a loss that is not a number differs', () => {
  assert.is(difference(off(0, NaN), LOSSES), 'its loss is NaN at step 0, that of dotbias 2.00000');
  assert.match(difference(off(1, Infinity), LOSSES)!, 'Infinity at step 1');
});

test('only the first steps are compared, of which there must be enough', () => {
  const many = Array.from({ length: COMPARED_STEPS + 5 }, () => 1);
  assert.is(difference([...many.slice(0, COMPARED_STEPS), 2], many), undefined);
  assert.is.not(difference([...many.slice(0, COMPARED_STEPS - 1), 2], many), undefined);
  assert.is(difference(LOSSES.slice(0, FEWEST_STEPS), LOSSES), undefined);
  assert.match(difference(LOSSES.slice(0, FEWEST_STEPS - 1), LOSSES)!, 'only 15 of the 16 steps');
});

test('a rival whose losses differ in any of its runs gets neither a time nor a ratio, and the table says what differs', () => {
  const { notes, rows } = table(['dotbias', [runOf(1), runOf(1)]], ['wrong', [runOf(0.1), runOf(0.1, off(5, 0.01))]]);
  const row = rows.find(({ name }) => name === 'wrong')!;
  assert.is(row['us per step'], undefined);
  assert.is(row['times dotbias'], undefined);
  assert.match(String(row['device']), 'no ratio: its loss is 0.336667 at step 5, that of dotbias 0.333333');
  assert.equal(notes, ['There is nothing to compare dotbias with here.']);
});

test('the faster rivals come first, in the rows and in a sentence', () => {
  const { notes, rows } = table(
    ['dotbias', [runOf(1)]],
    ['slow', [runOf(3)]],
    ['wrong', [runOf(0.1, off(5, 0.01))]],
    ['missing', 'not installed'],
    ['fast', [runOf(0.25)]],
    ['faster', [runOf(0.125)]],
  );
  assert.equal(
    rows.map(({ name }) => name),
    ['faster', 'fast', 'dotbias', 'slow', 'wrong', 'missing'],
  );
  assert.is(notes[0], 'SLOWER than 2 of 3 others. dotbias takes 8.00 times as long as faster; 4.00 times as long as fast.');
  assert.is(rows[5]['device'], 'cannot run: not installed');
  assert.is(table(['dotbias', [runOf(1)]], ['slow', [runOf(3)]]).notes[0], 'Faster than all others (1).');
});

test('ratios are of the same round, times the median of the rounds; a run cut short is extrapolated', () => {
  const { rows } = table(
    ['dotbias', [runOf(0.1), runOf(0.2), runOf(0.4)]],
    ['rival', [runOf(0.2), runOf(0.4, LOSSES, { mse: 0.81234 }), runOf(0.8)]],
  );
  const [ours, rival] = rows;
  assert.is(rival['times dotbias'], 2);
  assert.is(rival['us per step'], 10_000);
  assert.is(rival['all steps, s'], '4.00');
  assert.is(rival['valid MSE'], '0.8123');
  assert.is(ours['all steps, s'], '2.00 (extrapolated)');
});

test('without a run of dotbias there is no table', () => {
  assert.throws(() => table(['dotbias', 'no adapter'], ['rival', [runOf(1)]]), 'dotbias itself failed: no adapter');
});

test.run();
