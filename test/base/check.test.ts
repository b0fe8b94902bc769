import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import {
  checkChoice,
  checkNotNegative,
  checkOptions,
  checkPositive,
  checkRange,
  checkSeed,
  checkShare,
  checkWhole,
  isRange,
  show,
} from '../../src/base/check.js';

/** Anything that a caller may pass, numbers above all. */
const anything = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom<unknown>(
    0,
    -0,
    1,
    0.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    5n,
    '5',
    '',
    null,
    undefined,
    true,
    [3],
    {},
  ),
);

/** Runs a check. What it throws must be of the type given, and one sentence that begins with the name. */
function passes(check: () => void, type: Function, name: string): boolean {
  try {
    check();
    return true;
  } catch (error) {
    assert.instance(error, type);
    assert.match((error as Error).message, new RegExp(`^${name} .*[.?]$`));
    return false;
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number';

test('each check lets through exactly the values of its kind', () => {
  const kinds: [check: (name: string, value: unknown) => void, isOfKind: (value: number) => boolean][] = [
    [checkWhole, (x) => Number.isInteger(x) && x >= 1 && x < 2 ** 53],
    [(name, value) => checkWhole(name, value, 0, 7), (x) => Number.isInteger(x) && x >= 0 && x <= 7],
    [(name, value) => checkSeed(value, name), (x) => Number.isInteger(x) && x >= 0 && x < 2 ** 32],
    [checkPositive, (x) => x > 0 && x < Infinity],
    [checkNotNegative, (x) => x >= 0 && x < Infinity],
    [checkShare, (x) => x >= 0 && x < 1],
  ];
  fc.assert(
    fc.property(anything, (value) => {
      for (const [check, isOfKind] of kinds) {
        assert.is(
          passes(() => check('x', value), RangeError, 'x'),
          isNumber(value) && isOfKind(value),
        );
      }
    }),
    { numRuns: 500 },
  );
});

const says = (check: () => void, message: string) => assert.throws(check, (error: Error) => assert.is(error.message, message) ?? true);

test('a message says what is allowed, and what was given', () => {
  says(() => checkWhole('epochs', 1.5), 'epochs must be a whole number of at least 1, not 1.5.');
  says(() => checkWhole('k', '3', 1, 9), "k must be a whole number from 1 to 9, not '3'.");
  says(() => checkSeed(-1), 'seed must be a whole number from 0 to 4294967295, not -1.');
  says(() => checkPositive('lr', 0), 'lr must be a positive number, not 0.');
  says(() => checkNotNegative('wd', null), 'wd must be a number of at least 0, not null.');
  says(() => checkShare('beta', 1), 'beta must lie in [0, 1), not 1.');
  says(() => checkChoice('mode', 'c', ['a', 'b']), "mode must be 'a' or 'b', not 'c'.");
  says(() => checkChoice('mode', 4, [1, 2, 3]), 'mode must be 1, 2 or 3, not 4.');
  says(() => checkChoice('mode', undefined, ['a']), "mode must be 'a', not undefined.");
  says(() => checkRange('yRange', [5, 1]), 'yRange must be two finite numbers, lo < hi, not [5, 1].');
  says(
    () => checkRange('yRange', [0, 1e19]),
    'yRange must be two numbers of at most 1e18 that differ in float32, not [0, 10000000000000000000].',
  );
  says(
    () => checkRange('yRange', [1, 1 + 1e-9]),
    'yRange must be two numbers of at most 1e18 that differ in float32, not [1, 1.000000001].',
  );
});

test('a range is two numbers up to 1e18, the lower first, in float32', () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 3 }), (pair) => {
      const fits = (value: unknown) => isNumber(value) && Math.abs(value as number) <= 1e18;
      const expected = pair.length === 2 && pair.every(fits) && Math.fround(pair[0] as number) < Math.fround(pair[1] as number);
      assert.is(isRange(pair), expected);
      assert.is(
        passes(() => checkRange('x', pair), RangeError, 'x'),
        expected,
      );
    }),
  );
  for (const value of [null, undefined, 3, '12', { 0: 1, 1: 2, length: 2 }]) assert.not(isRange(value));
});

const KNOWN = ['nFactors', 'yRange', 'wd', 'wdBias', 'seed', 'batchSize'];
const refusal = (options: object): string => {
  try {
    checkOptions('learner', options, KNOWN);
  } catch (error) {
    assert.instance(error, TypeError);
    return (error as Error).message;
  }
  return '';
};

test('options that exist pass, any other is refused by its name', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(fc.constantFrom(...KNOWN), fc.string()), anything), (options) => {
      const wrong = Object.keys(options).find((name) => !KNOWN.includes(name));
      const message = refusal(options);
      if (wrong === undefined) assert.is(message, '');
      else assert.ok(message.startsWith(`learner has no option '${wrong}'; `), message);
    }),
  );
});

test('a name that is misspelt brings the one that was meant', () => {
  const meant = { n_factors: 'nFactors', yrange: 'yRange', 'batch-size': 'batchSize', sede: 'seed', wdbais: 'wdBias', nFactor: 'nFactors' };
  for (const [name, known] of Object.entries(meant)) {
    assert.is(refusal({ [name]: 1 }), `learner has no option '${name}'; did you mean ${known}?`);
  }
  assert.is(refusal({ kernels: 1 }), `learner has no option 'kernels'; it has ${KNOWN.join(', ')}.`);
});

test('one letter too many, too few, changed or swapped never hides which option was meant', () => {
  const slips: ((name: string, at: number) => string)[] = [
    (name, at) => `${name.slice(0, at)}x${name.slice(at)}`,
    (name, at) => name.slice(0, at) + name.slice(at + 1),
    (name, at) => `${name.slice(0, at)}x${name.slice(at + 1)}`,
    (name, at) => name.slice(0, at) + (name[at + 1] ?? '') + name[at] + name.slice(at + 2),
  ];
  fc.assert(
    fc.property(fc.constantFrom('nFactors', 'yRange', 'wdBias', 'batchSize'), fc.nat(4), fc.constantFrom(...slips), (name, at, slip) => {
      const written = slip(name, at);
      if (written !== name) assert.match(refusal({ [written]: 1 }), `did you mean ${name}?`);
    }),
  );
});

test('options that are no object are refused', () => {
  for (const options of [null, 3, 'x', undefined]) {
    assert.throws(() => checkOptions('learner', options as unknown as object, KNOWN), /^learner: the options must be an object, not /);
  }
});

test('values are quoted so that text and numbers can be told apart', () => {
  const cases: [unknown, string][] = [
    [7, '7'],
    ['7', "'7'"],
    [7n, '7n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [[1, 'a', [2]], "[1, 'a', [2]]"],
    [{ a: 1 }, 'an object'],
    [Object.create(null), 'an object'],
    [() => 1, 'a function'],
    [Symbol('s'), 'Symbol(s)'],
  ];
  for (const [value, text] of cases) assert.is(show(value), text);
});

test.run();
