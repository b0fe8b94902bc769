import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clock, fourDecimals, nameOf, sixDecimals } from '../../../src/cli/print/text.js';

const test = suite('numbers and names in print');

test('the clock shows hours where there are any', () => {
  assert.equal([0, 59.9, 60, 3599, 3600, 36_061].map(clock), ['00:00', '00:59', '01:00', '59:59', '1:00:00', '10:01:01']);
});

test('what does not exist is shown as such', () => {
  assert.equal([sixDecimals(1 / 3), sixDecimals(NaN)], ['0.333333', '#na#']);
  assert.equal([fourDecimals(1 / 3), fourDecimals(NaN), fourDecimals(null), fourDecimals(undefined)], ['0.3333', '-', '-', '-']);
});

test('an item is called by its title, on one line', () => {
  assert.equal([nameOf({ item: 7 }), nameOf({ item: 7, title: 'a\nb' })], ['7', 'a b']);
});

test.run();
