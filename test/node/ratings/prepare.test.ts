import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData, type Ratings } from '../../../src/data/collab-data.js';
import { DUPLICATES, type DuplicateChoice } from '../../../src/data/duplicates.js';
import { Strata } from '../../../src/data/strata.js';
import { prepareRatings, type PrepareOptions } from '../../../src/node/ratings/prepare.js';
import { openPrepared } from '../../../src/node/ratings/prepared.js';
import { readRatings } from '../../../src/node/ratings/ratings-file.js';
import { temporaryFolder } from '../../helpers/cli.js';

const folder = temporaryFolder();
const out = join(folder, 'prep');
const put = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

/** Prepares a source, and reads it both ways. */
async function both(source: string | string[], options: PrepareOptions = {}): Promise<{ prepared: CollabData; original: CollabData }> {
  const { strata: _, validPct, seed, duplicates, ...reading } = options;
  const report = await prepareRatings(source, out, { memory: 2e8, threads: 2, ...options });
  const { columns, titles, name, notes, skipped, skippedExamples } = await readRatings(source, reading);
  const original = CollabData.fromArrays(columns, { validPct, seed, duplicates, name, ...(titles && { titles }) });
  assert.equal([report.skipped, report.skippedExamples], [skipped, skippedExamples]);
  assert.equal(report.notes, [...notes, ...original.notes.filter((note) => note.includes('rated more than once'))]);
  return { prepared: await (await openPrepared(out)).data(), original };
}

function assertSame(prepared: CollabData, original: CollabData): void {
  assert.equal(prepared.users.ids, original.users.ids);
  assert.equal(prepared.items.ids, original.items.ids);
  for (const part of ['train', 'valid'] as const) assert.equal(prepared[part], original[part], part);
  assert.equal([prepared.name, prepared.seed, prepared.batchSize], [original.name, original.seed, original.batchSize]);
  assert.equal([prepared.duplicates, prepared.notes], [original.duplicates, original.notes]);
  for (const id of original.items.ids) assert.is(prepared.titleOf(id), original.titleOf(id));
}

const MOVIELENS = process.env['MOVIELENS_DIR'];
if (MOVIELENS === undefined) console.log('note: MOVIELENS_DIR is not set: MovieLens-100K is not prepared');
else {
  test('MovieLens-100K is the same prepared and as it is: ids, rows, split, ratings in order, and every block', async () => {
    const { prepared, original } = await both(join(MOVIELENS, 'ml-100k'), { validPct: 0.1, seed: 7 });
    assertSame(prepared, original);
    const { train, nUsers, nItems } = original;
    const strata = Strata.of(train, nUsers, nItems, 64, { strata: 8, passes: 2, seed: 7 });
    const folder = await openPrepared(out);
    const deals = await folder.deals();
    assert.equal([deals.users, deals.items], [strata.users, strata.items]);
    for (const [first, n] of [
      [0, 8],
      [0, 1],
      [3, 2],
      [7, 1],
    ] as const) {
      assert.equal((await folder.ratings(first, n)).train, strata.ratings(train, first, n));
    }
    const parts = await Promise.all([0, 4].map((first) => folder.ratings(first, 4)));
    const count = ({ ratings }: Ratings) => ratings.length;
    assert.is(count(parts[0].valid) + count(parts[1].valid), original.nValid);
    for (const { valid } of parts) for (const user of valid.users) assert.is(deals.users.block[user] >= 4, valid === parts[1].valid);
  });
}

test('any ratings are the same prepared and as they are, whatever their ids, duplicates and times', async () => {
  const id = fc.oneof(
    fc.nat(12).map(String),
    fc.constantFrom(
      '007',
      '-1',
      'a',
      'ä',
      '\u{10000}',
      '\u{FFFD}',
      '\u{E000}x',
      '\u{10FFFF}',
      '\u{10FFFF}\u{E000}',
      '\u{FEFF}b',
      '9007199254740993',
      ' c',
    ),
  );
  const number = fc.nat(12).map(String);
  const negative = fc.integer({ min: -1, max: 12 }).map(String);
  const rating = fc.constantFrom('1', '2.5', '3.1', '4', '5', 'x');
  const rows = (users: fc.Arbitrary<string>, items: fc.Arbitrary<string>) =>
    fc.array(fc.tuple(users, items, rating, fc.nat(3).map(String)), { minLength: 30, maxLength: 60 });
  const property = fc.asyncProperty(
    fc.oneof(rows(id, number), rows(number, id), rows(negative, negative)),
    fc.constantFrom<DuplicateChoice[]>(...DUPLICATES.filter((choice) => choice !== 'error')),
    fc.boolean(),
    fc.nat(3),
    async (table, duplicates, timed, seed) => {
      const lines = [['user', 'item', 'rating', ...(timed ? ['timestamp'] : [])], ...table.map((row) => (timed ? row : row.slice(0, 3)))];
      const path = await put('any.csv', lines.map((line) => line.join(',')).join('\n'));
      const { prepared, original } = await both(path, { duplicates, seed, strata: 3, validPct: 0.3, skipBadRows: true });
      assertSame(prepared, original);
    },
  );
  await fc.assert(property, { numRuns: 15, endOnFailure: true });
});

test('the same pair rated twice is refused where it is to be, in the words of the reader in memory', async () => {
  const path = await put('twice.csv', 'user,item,rating\na,1,3\nb,1,3\na,2,4\nb,1,5\na,1,1');
  const wanted = /User 'b' rates item 1 twice, in rows 1 and 3/;
  const { columns } = await readRatings(path);
  assert.throws(() => CollabData.fromArrays(columns, { duplicates: 'error' }), wanted);
  await rejects(prepareRatings(path, join(folder, 'refused'), { duplicates: 'error' }), wanted);
  assert.not(existsSync(join(folder, 'refused')));
});

test('a folder with something else is refused; one with prepared ratings keeps them until the new ones are complete', async () => {
  const path = await put('few.csv', `user,item,rating\n${Array.from({ length: 40 }, (_, k) => `${k % 7},${k},${1 + (k % 5)}`).join('\n')}`);
  const other = join(folder, 'other');
  await mkdir(other);
  await writeFile(join(other, 'thesis.txt'), '');
  await rejects(prepareRatings(path, other), /other holds 'thesis\.txt', which is no part of prepared ratings/);
  const target = join(folder, 'target');
  const first = await prepareRatings(path, target, { strata: 2 });
  const broken = await put('broken.csv', 'user,item,rating\n1,2,3\n1,x,y');
  await rejects(prepareRatings(broken, target), /broken\.csv:3: column rating/);
  assert.equal((await openPrepared(target)).manifest, first.manifest);
  assert.is((await (await openPrepared(target)).data()).nTrain, 32);
  const second = await prepareRatings(path, target, { strata: 2, validPct: 0 });
  assert.equal(readdirSync(target).sort(), [second.manifest.folder, 'manifest.json']);
  assert.is((await (await openPrepared(target)).data()).nTrain, 40);
});

async function rejects(work: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.match(String(error?.message), message);
}

test.run();
