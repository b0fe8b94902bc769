import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findItem, findUser, unknownItem } from '../../src/answer/look-up.js';
import { type Id, IdMap, NA } from '../../src/data/ids.js';

const test = suite('users and items by what people call them');

const map = (...ids: Id[]) => new IdMap([NA, ...ids]);
const numbers = {
  users: map(1, 7, 943),
  items: map(3, 4, 5, 114508),
  titles: new Map([
    [3, 'Film, The (1999)'],
    [4, 'Twin'],
    [5, 'Twin'],
    [6, 'Never Rated'],
  ]),
};
const texts = { users: map('007', '7', 'anna'), items: map('0001', '034545105', '1'), titles: undefined };

test('a text is an id only as it is written', () => {
  assert.equal(
    ['0001', '1', '034545105', 1].map((id) => findItem(texts, id)),
    ['0001', '1', '034545105', '1'],
  );
  assert.equal(
    ['007', '7'].map((id) => findUser(texts, id)),
    ['007', '7'],
  );
  assert.equal(
    ['114508', 114508].map((id) => findItem(numbers, id)),
    [114508, 114508],
  );
  for (const id of ['0114508', '114508.0', ' 114508', '+114508', '1e0', '#na#', '34545105']) {
    assert.is(findItem(numbers, id), undefined, id);
    assert.is(findItem(texts, id), undefined, id);
  }
});

test('an item is found by its title too, however it is spelt', () => {
  for (const title of ['Film, The (1999)', 'the film', 'The Film (1999)']) assert.is(findItem(numbers, title), 3);
  for (const title of ['film', 'The Film (2000)', 'Never Rated']) assert.is(findItem(numbers, title), undefined);
  assert.throws(() => findItem(numbers, 'Twin'), /^'Twin' is the title of the items 4 and 5: name one of these ids\.$/);
});

test('a stranger is refused with the id that was meant, else with the ids that there are', () => {
  assert.throws(() => findUser(numbers, 'nobody'), /^Training saw no user 'nobody'; the ids of its 3 users go from 1 to 943\.$/);
  assert.throws(() => findUser(texts, 'Anna'), /^Training saw no user 'Anna'; there is 'anna'\.$/);
  assert.throws(() => findUser({ users: map('x') }, 'y'), /^Training saw no user 'y'; its only user is 'x'\.$/);
  assert.throws(() => findUser(numbers, '#na#'), /^Training saw no user '#na#'; /);
  for (const id of ['0114508', '114508.0', ' 114508', '+114508'])
    assert.is(unknownItem(numbers, id), `Training saw no item '${id}'; there is 114508.`);
  assert.is(unknownItem(texts, '34545105'), "Training saw no item '34545105'; there is '034545105'.");
  assert.is(unknownItem(numbers, 'film'), "Training saw no item 'film'; there is 'Film, The (1999)', item 3.");
  assert.is(unknownItem(numbers, 'never'), "Training saw no item 'never'; the ids of its 4 items go from 3 to 114508.");
});

test.run();
