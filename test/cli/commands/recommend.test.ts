import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabModel } from '../../../src/answer/collab-model.js';
import { addRecommend } from '../../../src/cli/commands/recommend.js';
import { loadModelFile, saveModel } from '../../../src/node/files/model-file.js';
import { readRatings } from '../../../src/node/ratings/ratings-file.js';
import { dotbias, dotbiasHere, temporaryFolder, writeRatings } from '../../helpers/cli.js';
import { sharedGpu } from '../../helpers/gpu.js';

const test = suite('dotbias recommend');
const gpu = await sharedGpu();

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const MODEL = file('model.safetensors');
const PRIVATE = file('private.safetensors');

// The layout of MovieLens, which has titles: two items share one.
writeRatings(file('ratings.csv'));
writeFileSync(
  file('movies.csv'),
  `movieId,title,genres\n${Array.from({ length: 121 }, (_, k) => `${k},"Film, The (${k === 8 ? 7 : k})",x\n`).join('')}`,
);
const SMALL = ['--factors', '8', '--epochs', '2'];
const trained = await dotbias('train', '--data', file('ratings.csv'), ...SMALL, '--out', MODEL, '--plots', file('plots'));
const model = await loadModelFile(MODEL, { gpu });
await saveModel(model, PRIVATE, { ratings: false });
const [, USER] = model.info.users.ids;

const recommend = (...args: string[]) => dotbiasHere(addRecommend, 'recommend', '--model', MODEL, ...args);
async function listOf(...args: string[]) {
  const { code, stdout, stderr } = await recommend(...args, '--json');
  assert.is(code, 0, stderr);
  return { ...JSON.parse(stdout), stderr };
}

test('train --plots draws losses, schedule, predictions, residuals and errors', () => {
  assert.is(trained.stderr, '');
  assert.equal(readdirSync(file('plots')).sort(), ['error-by-count.svg', 'loss.svg', 'predictions.svg', 'residuals.svg', 'schedule.svg']);
  assert.match(trained.stdout, `Plots in ${file('plots')}: loss.svg, `);
  for (const name of readdirSync(file('plots'))) assert.match(readFileSync(join(file('plots'), name), 'utf8'), /^<svg [^]*<\/svg>\n$/);
});

test('the list is that of the model, without what the user has rated in the file, held out for validation or not', async () => {
  const { items } = model.info;
  const { columns } = await readRatings(file('ratings.csv'));
  const rated = new Set(Array.from(columns.items).filter((item, k) => columns.users[k] === USER && items.has(item)));
  const all = await listOf('--user', String(USER), '-n', '1000');
  assert.is(all.user, USER);
  assert.is(all.recommendations.length, items.size - 1 - rated.size);
  assert.not(all.recommendations.some(({ item }: { item: number }) => rated.has(item)));
  assert.equal(
    all.recommendations,
    (await model.recommend(USER, items.size)).map((each) => ({ ...each })),
  );
  const none = await listOf('--user', String(USER), '-n', '1000', '--exclude', 'none');
  assert.is(none.recommendations.length, items.size - 1);
});

test('as text it has rank, item, title and prediction', async () => {
  const { stdout, stderr } = await dotbias('recommend', '--model', MODEL, '--user', String(USER), '-n', '3');
  assert.is(stderr, '');
  const [device, head, ...rows] = stdout.trimEnd().split('\n');
  assert.match(device, /^Device: /);
  assert.match(head, /^rank +item +title +prediction$/);
  const wanted = await model.recommend(USER, 3);
  assert.equal(
    rows.map((row) => row.trim().split(/ {2,}/)),
    wanted.map(({ item, title, prediction }, k) => [String(k + 1), String(item), title, prediction.toFixed(2)]),
  );
});

test('a new user is folded in from ids and titles, and told why', async () => {
  writeFileSync(file('mine.csv'), 'item,rating\n"Film, The (3)",5\n20,1\n"Film, The (30)",4\n');
  const folded = await model.foldIn([
    [3, 5],
    [20, 1],
    [30, 4],
  ]);
  const wanted = await folded.recommend(4);
  const { nRatings, recommendations } = await listOf('--ratings', file('mine.csv'), '-n', '4');
  assert.is(nRatings, 3);
  assert.equal(
    recommendations.map(({ item }: { item: number }) => item),
    wanted.map(({ item }) => item),
  );
  for (const { item, because } of recommendations) assert.equal(because, await folded.because(item));
  const { stdout } = await recommend('--ratings', file('mine.csv'), '-n', '4');
  assert.match(stdout, /prediction +because you rated\n/);
  const best = recommendations.flatMap(({ because: [first] }: { because: { contribution: number; title: string; rating: number }[] }) =>
    first.contribution > 0 ? [`  ${first.title}: ${first.rating}`] : [],
  );
  assert.ok(best.length > 0 && best.every((reason: string) => stdout.includes(reason)), stdout);
});

test('--sd says how far off each prediction is likely to be', async () => {
  const mine = ['--ratings', ratings('own.csv', 'item,rating\n3,5\n20,1\n'), '-n', '3'];
  const { recommendations } = await listOf(...mine, '--sd');
  const folded = await model.foldIn([
    [3, 5],
    [20, 1],
  ]);
  const { sd } = await folded.predict(
    recommendations.map(({ item }: { item: number }) => item),
    { sd: true },
  );
  assert.equal(
    recommendations.map((place: { sd: number }) => place.sd),
    Array.from(sd),
  );
  assert.match((await recommend(...mine, '--sd')).stdout, /prediction +sd +because you rated\n.* \d\.\d\d +\d\.\d\d/);
  assert.not(Object.keys((await listOf(...mine)).recommendations[0]).includes('sd'));
});

for (const unknown of ['mean', 'na'] as const) {
  test(`--unknown ${unknown} answers for a stranger, and leaves out rated items that training never saw`, async () => {
    writeFileSync(file('partly.tsv'), '3\t5\n9999\t1\n');
    const stranger = await listOf('--user', 'nobody', '--unknown', unknown, '-n', '2');
    const partly = await listOf('--ratings', file('partly.tsv'), '--unknown', unknown);
    const wanted = await model.recommend('nobody', 2, { unknown });
    assert.equal(stranger.recommendations, wanted);
    assert.is(partly.nRatings, 1);
    assert.is(partly.stderr, '1 of 2 ratings left out, of items that training never saw: 9999.\n');
  });
}

test('ratings of an item that is rated already, and columns that cannot be read, are said', async () => {
  writeFileSync(file('again.csv'), 'item,rating,date\n3,5,01/12/2020\n3,1,\n4,2,\n');
  const { stderr, nRatings } = await listOf('--ratings', file('again.csv'));
  assert.is(nRatings, 3);
  assert.is(
    stderr,
    `${file('again.csv')}:2: column date: the timestamp is not a number or a date: '01/12/2020', so the ratings are read without times.\n` +
      `${file('again.csv')}: 1 rating of items that are rated already; each rating counts.\n`,
  );
});

test('a model saved without ratings recommends with --exclude none, or from given ratings', async () => {
  const refused = await recommend('--model', PRIVATE, '--user', String(USER));
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /^error: .*private\.safetensors does not say what its users rated .*--exclude none.*\.\n$/);
  const all = await recommend('--model', PRIVATE, '--user', String(USER), '--exclude', 'none');
  assert.is(all.code, 0, all.stderr);
});

const ratings = (name: string, text: string) => (writeFileSync(file(name), text), file(name));
const wrong: [name: string, args: string[], message: RegExp][] = [
  ['nobody to recommend to', [], /Name a user with --user, or a file/],
  ['a user and ratings', ['--user', '1', '--ratings', 'x'], /cannot be used with option/],
  ['a user never seen', ['--user', 'nobody'], /saw no user 'nobody'/],
  ['an sd of a user', ['--user', '1', '--sd'], /--sd is for a new user, whose ratings --ratings names\.$/m],
  [
    'an sd of a model that does not know it',
    ['--ratings', ratings('one.csv', 'item,rating\n3,5\n'), '--sd', '--model', 'test/fixtures/model-0.1.0.safetensors'],
    /model-0\.1\.0\.safetensors does not say how far off its predictions are/,
  ],
  ['no items', ['--user', '1', '-n', '0'], /whole number from 1 to 1000000/],
  [
    'an unknown item',
    ['--ratings', ratings('unknown.csv', 'title,rating\nfilms the,4\n')],
    /unknown\.csv: Training saw no item 'films the'; the ids of its \d+ items go from \d+ to \d+\. \(--unknown mean/,
  ],
  ['half a title', ['--ratings', ratings('half.csv', 'title;rating\nthe (30);4\n')], /there is 'Film, The \(30\)', item 30\./],
  ['a title of two items', ['--ratings', ratings('two.csv', 'title,rating\n"Film, The (7)",4\n')], /title of the items 7 and 8/],
  ['ratings of two people', ['--ratings', ratings('people.csv', 'user,item,rating\n1,3,4\n2,3,4\n')], /ratings of 2 users/],
  ['a rating out of range', ['--ratings', ratings('high.csv', 'item,rating\n3,9\n')], /is 9, outside/],
  [
    'a rating that is no number',
    ['--ratings', ratings('text.csv', 'item,rating\n3,good\n')],
    /text\.csv:2: column rating: the rating is not a finite number: 'good'/,
  ],
  ['only unknown items', ['--ratings', ratings('none.csv', 'item,rating\n9999,3\n'), '--unknown', 'na'], /saw none of the items/],
];
for (const [name, args, message] of wrong) {
  test(`refused in one sentence: ${name}`, async () => {
    const { code, stderr } = await recommend(...args);
    assert.is(code, 1);
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.match(stderr, message);
  });
}

test('ids follow the kind of the model: 0001 is not 1, and ratings are as they were written', async () => {
  const texts = file('texts.safetensors');
  const rows = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((user) =>
    ['0001', '1', '034545105', '00X'].map((item, k) => `${user},${item},${(user % 5) + (k % 2)}`),
  );
  const data = ratings('texts.csv', `user,item,rating\n${rows.join('\n')}\n`);
  const { code, stderr } = await dotbias('train', '--data', data, '--batch-size', '4', '--factors', '4', '--out', texts);
  assert.is(code, 0, stderr);
  const because = async (text: string) => {
    const list = await listOf('--model', texts, '--ratings', ratings('own.csv', text), '--exclude', 'none', '-n', '1');
    return list.recommendations[0].because.map(({ item, rating }: { item: string; rating: number }) => `${item}: ${rating}`).sort();
  };
  assert.equal(await because('item,rating\n0001,3.4\n'), ['0001: 3.4']);
  assert.equal(await because('item,rating\n1,2.3\n034545105,5\n'), ['034545105: 5', '1: 2.3']);
  const missed = await recommend('--model', texts, '--ratings', ratings('own.csv', 'item,rating\n34545105,5\n'));
  assert.match(missed.stderr, /own\.csv: Training saw no item '34545105'; there is '034545105'\. /);
  const numeric = await recommend('--ratings', ratings('own.csv', 'item,rating\n0007,5\n'));
  assert.match(numeric.stderr, /own\.csv: Training saw no item '0007'; there is 7\. /);
});

test("another catalogue's ids are not taken: titles decide, in the columns that the options name", async () => {
  const foreign = 'film;note;name;other\n7;3.3;"The Film (30)";1\n9;2;Ünknown;1\n';
  const path = ratings('foreign.csv', foreign);
  writeFileSync(path, foreign, 'latin1');
  const columns = ['--item-column', 'film', '--rating-column', '1', '--delimiter', ';', '--encoding', 'latin1', '--title-column', 'name'];
  const { nRatings, recommendations, stderr } = await listOf('--ratings', path, ...columns, '--exclude', 'none', '-n', '1');
  assert.equal([nRatings, recommendations[0].because[0].item, recommendations[0].because[0].rating], [1, 30, 3.3]);
  assert.match(
    stderr,
    /^[^\n]*The ids are not those of the model: 7 is 'The Film \(30\)' in the file, and 'Film, The \(7\)' in the model\./,
  );
  assert.match(stderr, /\n1 of 2 ratings left out, of items that training never saw: Ünknown\.\n$/);
  const byId = await listOf('--ratings', path, ...columns.slice(0, -1), 'none', '-n', '1');
  assert.equal([byId.nRatings, byId.stderr], [2, '']);
  const none = await recommend('--ratings', ratings('none.csv', 'movieId,rating,title\n3,5,Other (1977)\n'));
  assert.is(none.code, 1);
  assert.match(
    none.stderr,
    /^error: [^\n]*: 3 is 'Other \(1977\)' in the file, and 'Film, The \(3\)' in the model\. [^\n]*--title-column none[^\n]*\n$/,
  );
});

test('a title that would steer the terminal is printed as escapes, and kept in JSON', async () => {
  const hostile = file('hostile.safetensors');
  const title = 'a\u001b]0;x\u0007\tb\nc\u202ed\u007f';
  const { users, items, score, range } = model.info;
  const titles = new Map(items.ids.slice(1).map((id) => [id, title]));
  await saveModel(new CollabModel(model.embeddings, { users, items, score, range, titles }), hostile);
  const args = ['--model', hostile, '--user', String(USER), '--exclude', 'none', '-n', '1'];
  const { stdout } = await recommend(...args);
  const row = stdout.trimEnd().split('\n').at(-1)!;
  assert.match(row, / a\\u001b\]0;x\\u0007 b c\\u202ed\\u007f +\d/);
  const json = await recommend(...args, '--json');
  assert.is(JSON.parse(json.stdout).recommendations[0].title, title);
  for (const text of [stdout, json.stdout]) assert.not(/[^\P{Cc}\n]|\u202e/u.test(text), text);
});

test('a file that is no model is refused by name', async () => {
  for (const name of ['ratings.csv', 'nowhere', '.']) {
    const { code, stderr } = await recommend('--model', file(name), '--user', '1');
    assert.is(code, 1);
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.ok(stderr.includes(file(name)), stderr);
  }
});

test.run();
