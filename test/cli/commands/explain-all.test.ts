import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addExplain } from '../../../src/cli/commands/explain.js';
import { saveModel } from '../../../src/node/files/model-file.js';
import { dotbiasHere, temporaryFolder } from '../../helpers/cli.js';
import { modelOf, ratingsOf, tablesOf } from '../../helpers/rated-model.js';

const test = suite('dotbias explain --all-items');
const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const MODEL = file('model.safetensors');
const sizes = { nUsers: 4, nItems: 12, nFactors: 3 };
const model = await modelOf(
  sizes,
  tablesOf(sizes, (table, i) => Math.sin(1 + i * (table + 1))),
  { train: ratingsOf([1, 2, 3].map((item) => [1, item])), titles: new Map([['i3', 'Three']]) },
);
await saveModel(model, MODEL);

const explain = (...args: string[]) => dotbiasHere(addExplain, 'explain', '--model', MODEL, ...args);

test('the items most similar to each item, with ids and titles of both', async () => {
  const { code, stdout, stderr } = await explain('--all-items', '-n', '2', '--out', file('all.jsonl'));
  assert.is(code, 0, stderr);
  assert.match(stdout, /\n22 similar items of 11 items written to .*all\.jsonl\n$/);
  const rows = readFileSync(file('all.jsonl'), 'utf8').trimEnd().split('\n');
  const [first] = await model.similarItems('i3', 1);
  const { similarity, ...row } = rows.map((each) => JSON.parse(each)).find(({ item }) => item === 'i3');
  assert.equal(row, { item: 'i3', title: 'Three', rank: 1, similarItem: first.item, similarTitle: null });
  assert.ok(Math.abs(similarity - first.similarity) < 1e-5);
});

test('by dot product, and without items that have few ratings', async () => {
  const { code, stderr } = await explain('--all-items', '--dot', '--min-ratings', '1', '--out', file('few.csv'));
  assert.is(code, 0, stderr);
  const rows = readFileSync(file('few.csv'), 'utf8').trimEnd().split('\n');
  assert.equal(
    rows.map((row) => row.split(',').slice(0, 3).join()),
    ['item,title,rank', 'i1,,1', 'i1,,2', 'i2,,1', 'i2,,2', 'i3,Three,1', 'i3,Three,2'],
  );
});

test('what cannot go together is refused in one sentence', async () => {
  const cases: [args: string[], says: string][] = [
    [['--all-items'], '--all-items needs --out, the file to write.'],
    [['--out', file('x.csv')], '--out is for the items similar to all: add --all-items.'],
    [['--dot'], '--dot needs --item or --all-items'],
    [['--all-items', '--out', file('x')], 'x has no ending: the format follows from it'],
    [['--all-items', '--item', '1', '--out', file('x.csv')], "option '--all-items' cannot be used with option '--item <id>'"],
    [['--all-items', '--json', '--out', file('x.csv')], "option '--all-items' cannot be used with option '--json'"],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await explain(...args);
    assert.is(code, 1);
    assert.ok(stderr.includes(says), stderr);
    assert.is(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test.run();
