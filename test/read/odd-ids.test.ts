import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notesOnIds } from '../../src/read/odd-ids.js';
import { parse } from '../helpers/read-text.js';

const numbers = Array.from({ length: 40 }, (_, k) => String(k));

test('a few texts among whole numbers are named: a row of totals, an id that is NULL', () => {
  assert.equal(notesOnIds([...numbers, 'Total', 'NULL'], 'user'), [
    "The users are text because of 'Total', 'NULL'; all other users are whole numbers.",
  ]);
  assert.equal(notesOnIds([...numbers, ...numbers.map((id) => `0${id}`)], 'item'), []);
  assert.equal(notesOnIds(undefined, 'item'), []);
});

test('ids with spaces around them, and ids that a spreadsheet has rounded, are said', () => {
  assert.match(notesOnIds(['a', ' b'], 'item').join(), /spaces around them, such as ' b'/);
  assert.match(notesOnIds(['7.65612E+16', 'x'], 'user').join(), /such as '7\.65612E\+16', as spreadsheets round long numbers/);
});

test('they are said of a file', async () => {
  const { notes } = await parse(`user,item,rating\n${numbers.map((id) => `${id},1,${(Number(id) % 5) + 1}\n`).join('')}Total,1,5\n`);
  assert.is(notes.length, 1);
});

test.run();
