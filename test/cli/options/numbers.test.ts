import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { integer, notNegative, number, positive, range, rangeOrNone, seedList, share } from '../../../src/cli/options/numbers.js';

const test = suite('numbers as options');

const parsers: [name: string, parse: (text: string) => unknown, good: Record<string, unknown>, bad: string[]][] = [
  [
    'integer(1, 99)',
    integer(1, 99),
    { 1: 1, 40: 40, '007': 7, 99: 99 },
    ['0', '-1', '1.5', '1e1', 'abc', '', ' 1', '100', '99999999999999999999', 'Infinity'],
  ],
  ['integer(0, 9)', integer(0, 9), { 0: 0, 9: 9 }, ['10', '-0']],
  ['seedList', seedList, { '1,2, 4294967295': [1, 2, 4294967295] }, ['', '1,', '1,-1', '4294967296', '1,2,1']],
  ['number', number, { '-1': -1, '3.4e38': 3.4e38 }, ['', 'x', '3.5e38', '1e999', 'Infinity']],
  [
    'positive',
    positive,
    { 1: 1, '.5': 0.5, '1e-3': 0.001, '+2.': 2 },
    ['0', '-1', 'abc', '', '1x', '0x10', '1,5', 'NaN', '1e999', '1e39', '1e-50', 'Infinity'],
  ],
  ['notNegative', notNegative, { 0: 0, '0.1': 0.1 }, ['-0.1', 'none', '', '1e39']],
  ['share', share, { 0: 0, '0.1': 0.1 }, ['1', '-0.1', '10%']],
  ['range', range, { '0,5.5': [0, 5.5], '-10, 10': [-10, 10] }, ['5,1', '1,1', '5', '1,2,3', ',', 'none', '0,inf', '0,1e39']],
  ['rangeOrNone', rangeOrNone, { '0,5.5': [0, 5.5], none: 'none' }, ['5,1', 'None', 'null', '']],
];
for (const [name, parse, good, bad] of parsers) {
  test(`${name} takes what it means and nothing else`, () => {
    for (const [text, value] of Object.entries(good)) assert.equal(parse(text), value, text);
    for (const text of bad) assert.throws(() => parse(text), /^Use [^\n]+\.$/, `'${text}' was taken`);
  });
}

test.run();
