import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { alignedTable, epochLine } from '../../../src/cli/print/table.js';

const test = suite('tables');

test('columns are as wide as their widest cell, and nothing is left at the end of a line', () => {
  const table = alignedTable(
    ['n', 'title', 'error'],
    [
      ['1', 'long title', '0.5'],
      ['100', 't', '12'],
    ],
    ['right', 'left', 'right'],
  );
  assert.equal(table.split('\n'), ['  n  title       error', '  1  long title    0.5', '100  t              12']);
  assert.equal(alignedTable(['a', 'b'], [['long', '']], ['left', 'left']).split('\n'), ['a     b', 'long']);
});

test('wide characters take two columns, accents none', () => {
  const titles = ['千と千尋', 'Ame\u0301lie', '🎬'];
  const [, ...lines] = alignedTable(
    ['title', 'n'],
    titles.map((title) => [title, '1']),
    ['left', 'left'],
  ).split('\n');
  assert.equal(lines, ['千と千尋  1', 'Ame\u0301lie    1', '🎬        1']);
});

test('a title cannot break its line, steer the terminal or turn the reading direction', () => {
  const table = alignedTable(['title', 'n'], [['a\r\nb\tc\u001b[31m\u009b2J\u2028\u202ed', '1']], ['left', 'left']);
  assert.equal(table.split('\n')[1], 'a b c\\u001b[31m\\u009b2J \\u202ed  1');
});

test('a hundred thousand rows are no more to it than ten', () => {
  const rows = Array.from({ length: 100_000 }, (_, k) => [String(k)]);
  assert.is(alignedTable(['k'], rows, ['right']).length, 5 * 100_001 + 100_000);
});

test("a line of fastai's table has columns of at least eight", () => {
  const names = ['epoch', 'train_loss', 'time'];
  assert.is(epochLine(names), 'epoch     train_loss  time');
  assert.is(epochLine(names, ['0', '0.123456', '00:01']), '0         0.123456    00:01');
});

test.run();
