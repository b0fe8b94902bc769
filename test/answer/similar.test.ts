import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CollabModel } from '../../src/index.js';
import { modelOf, tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

const sizes = { nUsers: 4, nItems: 6, nFactors: 2 };
const itemFactors = [9, 9, /* i1 */ 1, 0, /* i2 */ 10, 1, /* i3 */ 0.5, 0, /* i4 */ 0, 0, /* i5 */ -3, 0];
const userFactors = [9, 9, 1, 1, 2, 2, -1, 5];
const userBias = [7, 0.5, -1, 2];
const itemBias = [7, 0.25, -0.5, 1, 0, 1];
const tables = tablesOf(sizes, (table, i) => [userFactors, itemFactors, userBias, itemBias][table][i]);
let model: CollabModel;

test.before(async () => {
  model = await modelOf(sizes, tables, { titles: new Map([['i3', 'Three']]) });
});

test('cosine ranks by direction: itself and #na# left out, a zero vector has 0', async () => {
  const list = await model.similarItems('i1');
  assert.equal(
    list.map(({ item }) => item),
    ['i3', 'i2', 'i4', 'i5'],
  );
  assert.equal(
    list.map(({ similarity }) => Math.round(similarity * 1e4) / 1e4),
    [1, 0.995, 0, -1],
  );
  assert.is(list[0].title, 'Three');
});

test('dot ranks by length too', async () => {
  const list = await model.similarItems('i1', 2, { metric: 'dot' });
  assert.equal(
    list.map(({ item, similarity }) => [item, similarity]),
    [
      ['i2', 10],
      ['i3', 0.5],
    ],
  );
});

test('similar users', async () => {
  const list = await model.similarUsers('u1', 1);
  assert.is(list[0].user, 'u2');
  assert.ok(Math.abs(list[0].similarity - 1) < 1e-12);
});

test('biases are ranked highest first, equal ones by row, #na# left out', async () => {
  assert.equal(
    (await model.itemBias()).map(({ item }) => item),
    ['i3', 'i5', 'i1', 'i4', 'i2'],
  );
  assert.equal(await model.userBias(), [
    { user: 'u3', bias: 2 },
    { user: 'u1', bias: 0.5 },
    { user: 'u2', bias: -1 },
  ]);
});

test('vectors and biases give the rows of the tables by id', async () => {
  assert.equal(
    (await model.vectors(['i2', 'i5'])).map((row) => [...row]),
    [
      [10, 1],
      [-3, 0],
    ],
  );
  assert.equal(
    (await model.vectors(['u3'], { isItem: false })).map((row) => [...row]),
    [[-1, 5]],
  );
  assert.equal([...(await model.biases(['i3', 'i2']))], [1, -0.5]);
  assert.equal([...(await model.biases(['u2'], { isItem: false }))], [-1]);
  assert.equal(await model.vectors([]), []);
});

test('many ids are read as one piece of the table, with the same result', async () => {
  const ids = Array.from({ length: 3000 }, (_, k) => `i${1 + (k % 5)}`);
  const rows = await model.vectors(ids);
  assert.equal([...rows[2999]], [-3, 0]);
  assert.equal([...rows[1]], [10, 1]);
});

test('answers follow the tables', async () => {
  const changing = await modelOf(sizes, tables);
  assert.is((await changing.itemBias())[0].item, 'i3');
  changing.embeddings.writeTables(tablesOf(sizes, (table, i) => (table === 3 && i === 4 ? 5 : 0)));
  assert.is((await changing.itemBias())[0].item, 'i4');
  changing.release();
});

test('a model without biases has none to rank', async () => {
  const plain = await modelOf({ ...sizes, bias: false }, tables);
  await assertRefused(() => plain.itemBias(), /no biases/, TypeError);
  await assertRefused(() => plain.biases(['i1']), /no biases/, TypeError);
  assert.equal(
    (await plain.vectors(['i2'])).map((row) => [...row]),
    [[10, 1]],
  );
  plain.release();
});

test('bad arguments are refused', async () => {
  await assertRefused(() => model.similarItems('nothing'), /^Training saw no item 'nothing'\.$/);
  await assertRefused(() => model.vectors(['i1', 'u1']), /^Training saw no item 'u1'\.$/);
  await assertRefused(() => model.vectors('i1' as never), /as an array/, TypeError);
  await assertRefused(() => model.similarUsers('nobody'), /^Training saw no user 'nobody'\.$/);
  await assertRefused(() => model.similarItems('i1', 0), /n must be/);
  await assertRefused(() => model.vectors(['i1'], { isitem: false } as never), /did you mean isItem\?/, TypeError);
  await assertRefused(() => model.similarItems('i1', 1, { Metric: 'dot' } as never), /did you mean metric\?/, TypeError);
  await assertRefused(() => model.similarItems('i1', 1, { metric: 'euclid' as never }), /'cosine' or 'dot'/);
});

test.run();
