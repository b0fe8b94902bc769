import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addRecommend } from '../../../src/cli/commands/recommend.js';
import { loadModelFile, saveModel } from '../../../src/node/files/model-file.js';
import { dotbiasHere, temporaryFolder } from '../../helpers/cli.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { modelOf, ratingsOf, tablesOf } from '../../helpers/rated-model.js';

const test = suite('dotbias recommend --all');
const gpu = await sharedGpu();
const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const MODEL = file('model.safetensors');

// User u2 has rated every item.
const sizes = { nUsers: 30, nItems: 12, nFactors: 3 };
const rated = ratingsOf([[1, 3], ...Array.from({ length: 11 }, (_, k) => [2, k + 1] as [number, number])]);
const made = await modelOf(
  sizes,
  tablesOf(sizes, (table, i) => Math.sin(1 + i * (table + 1))),
  { train: rated, titles: new Map([['i5', 'Five, "the" film']]) },
);
await saveModel(made, MODEL);
const model = await loadModelFile(MODEL, { gpu });

const recommend = (...args: string[]) => dotbiasHere(addRecommend, 'recommend', '--model', MODEL, ...args);
async function rowsOf(name: string, ...args: string[]) {
  const { code, stdout, stderr } = await recommend('--out', file(name), ...args);
  assert.is(code, 0, stderr);
  const rows = readFileSync(file(name), 'utf8').trimEnd().split('\n');
  return { rows: rows.filter((row) => row !== '').map((row) => JSON.parse(row)), stdout, stderr };
}

test('the lists of all users are those of each, and whoever has rated everything has none', async () => {
  const { code, stdout, stderr } = await recommend('--all', '-n', '4', '--out', file('all.jsonl'));
  assert.is(code, 0, stderr);
  assert.match(stdout, /\n112 recommendations for 29 users written to .*all\.jsonl\n$/);
  const rows = readFileSync(file('all.jsonl'), 'utf8').trimEnd().split('\n');
  const wanted = [];
  for (const user of model.info.users.ids.slice(1)) {
    const list = await model.recommend(user, 4);
    wanted.push(...list.map(({ item, title = null, prediction }, k) => ({ user, rank: k + 1, item, title, prediction })));
  }
  assert.equal(
    rows.map((row) => JSON.parse(row)).map((row) => ({ ...row, prediction: Math.fround(row.prediction) })),
    wanted,
  );
});

test('a file names the users: each once, in its order, strangers if they are allowed', async () => {
  writeFileSync(file('users.txt'), '\ufeffu9\r\nu1\n\nu9\nnobody');
  const { stderr } = await recommend('--users-file', file('users.txt'), '--out', file('some.jsonl'));
  assert.is(stderr, `error: ${file('users.txt')}, line 5: Training saw no user 'nobody'; the ids of its 29 users go from 'u1' to 'u29'.\n`);
  const some = await rowsOf('some.jsonl', '--users-file', file('users.txt'), '--unknown', 'mean', '-n', '2');
  assert.equal(
    some.rows.map(({ user }) => user),
    ['u9', 'u9', 'u1', 'u1', 'nobody', 'nobody'],
  );
  assert.match(some.stderr, /users\.txt: 1 line left out that name a user again\.\n/);
  writeFileSync(file('none.txt'), '\n');
  const none = await recommend('--users-file', file('none.txt'), '--out', file('some.jsonl'));
  assert.is(none.stderr, `error: ${file('none.txt')}: This names no user; write one id on each line.\n`);
});

test('what cannot go together is refused in one sentence', async () => {
  const cases: [args: string[], says: string][] = [
    [['--all'], '--all needs --out, the file to write.'],
    [['--users-file', 'x'], '--users-file needs --out, the file to write.'],
    [['--user', 'u1', '--out', file('x.csv')], '--out is for the lists of many users: add --all or --users-file.'],
    [['--all', '--out', file('x.txt')], `${file('x.txt')} ends with .txt: the format follows from it, use .parquet, .csv or .jsonl.`],
    [['--all', '--out', MODEL.replace('model', 'none/model')], `${MODEL.replace('model', 'none/model')} ends with .safetensors`],
    [['--all', '--user', 'u1', '--out', file('x.csv')], "option '--all' cannot be used with option '--user <id>'"],
    [['--all', '--users-file', 'x', '--out', file('x.csv')], "option '--all' cannot be used with option '--users-file <file>'"],
    [['--all', '--json', '--out', file('x.csv')], "option '--all' cannot be used with option '--json'"],
    [['--users-file', 'x', '--ratings', 'y', '--out', file('x.csv')], "cannot be used with option '--ratings <file>'"],
    [['--users-file', file('x.csv'), '--out', file('./x.csv')], 'x.csv'],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await recommend(...args);
    assert.is(code, 1);
    assert.ok(stderr.includes(says), stderr);
    assert.is(stderr.trimEnd().split('\n').length, 1, stderr);
  }
});

test.run();
