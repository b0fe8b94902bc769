import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ofShard, parseShard, planSweep, type Setting, SweepError, trialId, varied } from '../../src/evaluate/sweep.js';

const test = suite('sweep');

test('a grid is tried in all combinations, on top of the base', () => {
  assert.equal(planSweep({ base: { epochs: 3, lr: 1 }, grid: { lr: [0.1, 0.2], wd: [0, 1] } }), [
    { epochs: 3, lr: 0.1, wd: 0 },
    { epochs: 3, lr: 0.1, wd: 1 },
    { epochs: 3, lr: 0.2, wd: 0 },
    { epochs: 3, lr: 0.2, wd: 1 },
  ]);
  assert.equal(planSweep({ base: { epochs: 3 } }), [{ epochs: 3 }]);
  assert.equal(planSweep({}), [{}]);
});

test('random draws lie in their ranges and reach every part of them', () => {
  const options = { a: { uniform: [2, 4] }, b: { logUniform: [1e-4, 1] }, c: { integer: [5, 8] }, d: { choice: ['x', null, true] } };
  const trials = planSweep({ random: { trials: 300, options } });
  assert.is(trials.length, 300);
  const column = (name: string) => trials.map((trial) => trial[name]);
  const numbers = (name: string) => (column(name) as number[]).sort((x, y) => x - y);
  assert.ok(numbers('a')[0] >= 2 && numbers('a')[0] < 2.1 && numbers('a').at(-1)! < 4 && numbers('a').at(-1)! > 3.9);
  const b = numbers('b');
  assert.ok(b[0] >= 1e-4 && b[0] < 2e-4 && b.at(-1)! < 1 && b.at(-1)! > 0.5);
  assert.ok(b[150] > 4e-3 && b[150] < 2.5e-2, `the median is the geometric mean, not ${b[150]}`);
  assert.equal([...new Set(numbers('c'))], [5, 6, 7, 8]);
  assert.is(new Set(column('d')).size, 3);
});

test('draws depend on the seed and the name alone: more trials or more settings leave the others as they were', () => {
  const plan = (trials: number, seed: number, more = {}) =>
    planSweep({ random: { trials, seed, options: { lr: { uniform: [0, 1] }, ...more } } }).map(({ lr }) => lr);
  assert.equal(plan(5, 1), plan(5, 1));
  assert.equal(plan(9, 1).slice(0, 5), plan(5, 1));
  assert.equal(plan(5, 1, { wd: { uniform: [0, 1] } }), plan(5, 1));
  assert.not.equal(plan(5, 2), plan(5, 1));
  const [{ x, y }] = planSweep({ random: { trials: 1, options: { x: { uniform: [0, 1] }, y: { uniform: [0, 1] } } } });
  assert.is.not(x, y);
});

test('a grid and random draws are combined', () => {
  const trials = planSweep({ grid: { wd: [1, 2] }, random: { trials: 3, options: { lr: { uniform: [0, 1] } } } });
  assert.equal(
    trials.map(({ wd }) => wd),
    [1, 1, 1, 2, 2, 2],
  );
  assert.is(new Set(trials.map(({ lr }) => lr)).size, 3);
});

test('whatever is wrong with a sweep is named with its place', () => {
  const check = (name: string, value: Setting) => {
    if (name !== 'lr') throw new RangeError('there is no such option.');
    if (!(Number(value) > 0)) throw new RangeError('Use a number above 0.');
  };
  const cases: [unknown, string][] = [
    [[], 'The sweep must be an object { ... }, not [].'],
    [{ gird: {} }, "The sweep has no option 'gird'; did you mean grid?"],
    [{ base: 3 }, 'base must be an object { ... }, not 3.'],
    [{ base: { lr: -1 } }, 'base.lr is -1: Use a number above 0.'],
    [{ grid: { lr: 0.1 } }, 'grid.lr must be a list of the values to try, not 0.1.'],
    [
      { grid: { lr: Array.from({ length: 1001 }, () => 1) }, random: { trials: 1000, options: { lr: { uniform: [1, 2] } } } },
      'The grid makes 1001000 trials; 100000 at most can be planned.',
    ],
    [{ grid: { lr: [] } }, 'grid.lr must be a list of the values to try, not [].'],
    [{ grid: { lr: [1, 'x'] } }, 'grid.lr[1] is "x": Use a number above 0.'],
    [{ grid: { rl: [1] } }, 'grid.rl[0] is 1: there is no such option.'],
    [{ random: { trials: 0, options: {} } }, 'random.trials must be a whole number from 1 to 100000, not 0.'],
    [{ random: { trials: 1 } }, 'random.options must be an object { ... }, not nothing.'],
    [{ random: { trials: 1, options: {} } }, 'random.options names nothing to draw.'],
    ...[-1, 1.5].map((seed): [unknown, string] => [
      { random: { trials: 1, seed, options: {} } },
      `random.seed must be a whole number from 0 to 4294967295, not ${seed}.`,
    ]),
    [
      { random: { trials: 1, options: { lr: { normal: [1, 2] } } } },
      "random.options.lr has no option 'normal'; it has uniform, logUniform, integer, choice.",
    ],
    [{ random: { trials: 1, options: { lr: {} } } }, 'random.options.lr must have one of uniform, logUniform, integer, choice.'],
    [
      { random: { trials: 1, options: { lr: { uniform: [2, 1] } } } },
      'random.options.lr.uniform must be two numbers, the lower first, not [2,1].',
    ],
    [
      { random: { trials: 1, options: { lr: { logUniform: [0, 1] } } } },
      'random.options.lr.logUniform must be two positive numbers, the lower first, not [0,1].',
    ],
    [
      { random: { trials: 1, options: { lr: { integer: [0.5, 1] } } } },
      'random.options.lr.integer must be two whole numbers, the lower first, not [0.5,1].',
    ],
    [{ random: { trials: 1, options: { lr: { choice: 3 } } } }, 'random.options.lr.choice must be a list, not 3.'],
    [{ random: { trials: 1, options: { lr: { uniform: [-1, 1] } } } }, 'random.options.lr is -1: Use a number above 0.'],
    [
      { grid: { lr: [1] }, random: { trials: 1, options: { lr: { uniform: [1, 2] } } } },
      'random.options.lr is in the grid too; it can be in one of them only.',
    ],
  ];
  for (const [sweep, message] of cases) {
    assert.throws(
      () => planSweep(sweep, check),
      (error: Error) => {
        assert.instance(error, SweepError);
        assert.is(error.message, message);
        return true;
      },
    );
  }
});

test('shards share a sweep without overlap, for any number of them', () => {
  const list = Array.from({ length: 23 }, (_, i) => i);
  for (const count of [1, 2, 8, 40]) {
    const parts = list
      .map((_, i) => i + 1)
      .filter((index) => index <= count)
      .map((index) => ofShard(list, { index, count }));
    assert.equal(
      parts.flat().sort((a, b) => a - b),
      list.filter((i) => i % count < parts.length),
    );
    assert.ok(Math.max(...parts.map((part) => part.length)) - Math.min(...parts.map((part) => part.length)) <= 1);
  }
  assert.equal(parseShard('2/8'), { index: 2, count: 8 });
  for (const text of ['0/8', '9/8', '2', '2/', 'a/b', '2/8/9', '-1/3', '1.5/2'])
    assert.throws(() => parseShard(text), /A shard is written as 2\/8/, text);
});

test('the identity of a trial is that of its settings, in whatever order they are given', () => {
  const id = trialId({ lr: 0.1, yRange: [0, 5] });
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.is(trialId({ yRange: [0, 5], lr: 0.1, path: undefined }), id);
  for (const other of [{ lr: 0.2, yRange: [0, 5] }, { lr: 0.1, yRange: [0, 6] }, { lr: 0.1 }, { lr: '0.1', yRange: [0, 5] }])
    assert.is.not(trialId(other), id);
});

test('the settings that differ are found', () => {
  assert.equal(
    varied([
      { a: 1, b: [1], c: 1 },
      { a: 1, b: [2], c: 1, d: 1 },
    ]),
    ['b', 'd'],
  );
  assert.equal(varied([{ a: 1 }]), []);
});

test.run();
