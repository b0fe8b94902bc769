import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backward } from '../../../shaders/ops/backward.js';
import { randomSource } from '../../helpers/random.js';

/** Two numbers that depend on all the steps to come. */
const recursion = () => {
  const state = Float64Array.of(0.5, 2);
  const back = (t: number) => {
    state[0] = 0.99 * (state[0] + Math.sin(t));
    state[1] = 0.9 * state[1] + state[0];
  };
  return { state, back };
};

for (const nSteps of [0, 1, 5, 1023, 1024, 1025, 2048, 5000]) {
  test(`states of a window have the bits of the whole recursion: ${nSteps} steps`, () => {
    const whole: number[][] = [];
    const { state: first, back: once } = recursion();
    whole[nSteps] = [...first];
    for (let t = nSteps - 1; t >= 0; t--) {
      once(t);
      whole[t] = [...first];
    }
    const { state, back } = recursion();
    const { visit } = backward(nSteps, state, back);
    const random = randomSource(nSteps);
    const windows = Array.from({ length: 50 }, () => {
      const from = Math.floor(random() * (nSteps + 1));
      return [from, from + 1 + Math.floor(random() * (nSteps + 1 - from))];
    });
    for (const [from, to] of [...windows, [0, nSteps + 1], [nSteps, nSteps + 1], [0, 1]]) {
      const seen: number[] = [];
      visit(from, to, (t) => {
        seen.push(t);
        assert.equal([...state], whole[t], `step ${t} of [${from}, ${to})`);
      });
      assert.equal(
        seen,
        Array.from({ length: to - from }, (_, i) => to - 1 - i),
      );
    }
  });
}

test('a window makes at most 1,024 steps beside its own', () => {
  let made = 0;
  const { visit } = backward(100_000, Float64Array.of(0), () => made++);
  for (const [from, to] of [
    [0, 1],
    [1, 2],
    [1023, 1025],
    [50_000, 60_000],
    [99_999, 100_001],
  ] as const) {
    made = 0;
    visit(from, to, () => {});
    assert.ok(made < to - from + 1024, `${made} steps for [${from}, ${to})`);
  }
});

test.run();
