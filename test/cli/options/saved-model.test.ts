import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ModelInfo } from '../../../src/answer/trained-model.js';
import { findItem, findUser, unknownItem } from '../../../src/cli/options/saved-model.js';
import { smallData } from '../../helpers/data.js';

const test = suite('users and items by what people call them');

const { users, items } = smallData();
const titles = new Map([3, 4, 5].map((item) => [item, item === 5 ? 'Twin' : item === 4 ? 'Twin' : 'The Film']));
const info = { users, items, titles, yRange: null } as unknown as ModelInfo;

test('an item is found by its id or by its exact title', () => {
  assert.is(findItem(info, '3'), 3);
  assert.is(findItem(info, 'The Film'), 3);
  assert.is(findItem(info, 'the film'), undefined);
  assert.throws(() => findItem(info, 'Twin'), /^'Twin' is the title of the items 4 and 5: name one of these ids\.$/);
});

test('a stranger is refused in the words of the API, and a title that is close is named', () => {
  assert.throws(() => findUser(info, 'nobody'), /^Training saw no user 'nobody'\.$/);
  assert.is(unknownItem(info, 'film'), "Training saw no item 'film'; there is 'The Film', item 3.");
  assert.is(unknownItem(info, 'x\u001b[2Jy'), "Training saw no item 'x [2Jy'.");
});

test.run();
