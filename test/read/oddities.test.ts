import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notesOnIds, notesOnRatings } from '../../src/read/oddities.js';
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

test('a rating that may stand for none is said: -1, 99, or 0 where it is frequent', () => {
  const notes = (...ratings: number[]) => notesOnRatings(Float32Array.from(ratings)).join();
  assert.is(notes(-1, 7, 10, -1), '2 ratings are -1, the others 7 to 10: if it stands for no rating, leave these rows out.');
  assert.match(notes(-9.5, 3, 99, 9.25), /^A rating is 99, the others -9\.5 to 9\.25:/);
  assert.match(notes(0, 0, 3, 5, 1), /^2 ratings are 0, the others 1 to 5:/);
  for (const scale of [
    [0, 1, 2, 3, 4, 5],
    [0, 0.5, 1],
    [-2, -1, 0],
    [-1, 1],
    [60, 99],
    [0, 1, 0, 1],
    [0, 0, 1.5, 3],
    [1, 5],
  ])
    assert.is(notes(...scale), '', String(scale));
});

test('they are said of a file', async () => {
  const { notes } = await parse(`user,item,rating\n${numbers.map((id) => `${id},1,${(Number(id) % 5) + 1}\n`).join('')}Total,1,99\n`);
  assert.is(notes.length, 2);
});

test.run();
