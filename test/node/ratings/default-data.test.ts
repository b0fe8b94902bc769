import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '../../../src/base/errors.js';
import { hashOfFile, writeHashes } from '../../../src/node/disk/hashes.js';
import { openRatings, type OpenRatingsOptions } from '../../../src/node/ratings/default-data.js';

const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
const kept = process.env['MOVIELENS_DIR'];
let hits = 0;
const server = createServer((_, response) => {
  hits++;
  response.writeHead(503).end();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ml-100k.zip`;

test.before.each(() => {
  delete process.env['MOVIELENS_DIR'];
  hits = 0;
});
test.after(async () => {
  if (kept !== undefined) process.env['MOVIELENS_DIR'] = kept;
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

async function putMovieLens(parent: string): Promise<string> {
  const path = join(folder, parent);
  await mkdir(join(path, 'ml-100k'), { recursive: true });
  await writeFile(join(path, 'ml-100k', 'u.data'), '196\t242\t3\t881250949\n');
  await writeFile(join(path, 'ml-100k', 'u.item'), '242|Kolya (1996)|x\n');
  return path;
}

async function refused(options: OpenRatingsOptions, pattern: RegExp): Promise<void> {
  await openRatings(options).then(
    () => assert.unreachable('no error'),
    (error) => {
      assert.instance(error, DataError);
      assert.match(error.message, pattern);
    },
  );
}

test('MOVIELENS_DIR comes first, without a look at the network', async () => {
  process.env['MOVIELENS_DIR'] = await putMovieLens('named');
  const found = await openRatings({ url, cacheDir: join(folder, 'none') });
  assert.equal(
    [found.name, found.columns.ratings.length, found.titles!.get(242), found.bestMse],
    ['ml-100k', 1, 'Kolya (1996)', undefined],
  );
  assert.match(found.source, /^MovieLens-100K, from MOVIELENS_DIR \(.*named.*\)\.$/);
  assert.is(hits, 0);
});

test('a MOVIELENS_DIR without ml-100k is an error, not a reason to take other data', async () => {
  process.env['MOVIELENS_DIR'] = join(folder, 'nowhere');
  await refused({ url }, /MOVIELENS_DIR is set, but has no folder ml-100k/);
  assert.is(hits, 0);
});

test('the cache comes next, without a look at the network', async () => {
  const cacheDir = await putMovieLens('cache');
  const unpacked = join(cacheDir, 'ml-100k');
  await writeHashes(unpacked, [['u.data', await hashOfFile(join(unpacked, 'u.data'))]]); // as a download does
  const found = await openRatings({ url, cacheDir, md5: 'of another archive' });
  assert.match(found.source, /^MovieLens-100K, from the cache/);
  assert.is(hits, 0);
});

test('a cache that was changed is not used, and said', async () => {
  const cacheDir = await putMovieLens('changed');
  for (const offline of [true, false]) {
    const { source } = await openRatings({ url, cacheDir, offline });
    assert.match(source, /^The planted set, .*changed.ml-100k.u\.data is not as it was published/);
  }
  assert.is(hits, 1);
});

test('where the download fails, the planted set comes with the reason and its best error', async () => {
  const found = await openRatings({ url, cacheDir: join(folder, 'none') });
  assert.is(hits, 1);
  assert.is(
    found.source,
    `The planted set, synthetic ratings (MovieLens-100K could not be downloaded: ${url}: The server answered with status 503).`,
  );
  assert.equal([found.name, found.columns.ratings.length], ['planted', 100_000]);
  assert.ok(found.bestMse!() > 0.7);
});

test('a cache that cannot be written is a reason, too', async () => {
  await writeFile(join(folder, 'file'), '');
  const found = await openRatings({ url, cacheDir: join(folder, 'file', 'cache') });
  assert.match(found.source, /could not be downloaded: ENOTDIR/);
});

test('offline: no look at the network', async () => {
  const found = await openRatings({ url, cacheDir: join(folder, 'none'), offline: true });
  assert.match(found.source, /no network allowed, and MovieLens-100K is not in the cache/);
  assert.is(hits, 0);
});

test('an abort is not a reason to take other data', async () => {
  await openRatings({ url, cacheDir: join(folder, 'none'), signal: AbortSignal.abort(new Error('enough')) }).then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'enough'),
  );
});

test('planted asks for the planted set; its seed counts', async () => {
  const found = await openRatings({ url, data: 'planted' });
  assert.is(found.source, 'The planted set, synthetic ratings (as asked for).');
  const other = await openRatings({ url, data: 'planted', plantedSeed: 1 });
  assert.not.equal(
    [...(found.columns.ratings as Float32Array).subarray(0, 99)],
    [...(other.columns.ratings as Float32Array).subarray(0, 99)],
  );
  assert.is(hits, 0);
});

test('wrong options are refused before anything is read', async () => {
  const refusals: [options: object, message: RegExp][] = [
    [{ ofline: true }, /^openRatings has no option 'ofline'; did you mean offline\?$/],
    [{ plantedSeed: 1.5 }, /^plantedSeed must be a whole number from 0 to 4294967295, not 1\.5\.$/],
    [{ plantedSeed: NaN }, /^plantedSeed must be /],
    [{ plantedSeed: -1 }, /^plantedSeed must be /],
  ];
  for (const [options, message] of refusals) {
    await openRatings({ url, ...options }).then(
      () => assert.unreachable('no error'),
      (error) => assert.match(error.message, message),
    );
  }
  assert.is(hits, 0);
});

test('MovieLens is read with the options given, too', async () => {
  process.env['MOVIELENS_DIR'] = await putMovieLens('named');
  const { columns } = await openRatings({ url, textIds: true });
  assert.equal([columns.users[0], columns.items[0]], ['196', '242']);
  await refused({ url, ratingRange: [4, 5] }, /the rating is not in 4 to 5: '3'/);
});

test('data that are named are read, or it is an error', async () => {
  const path = join(folder, 'mine.csv');
  await writeFile(path, '1,2,3\n4,5,x\n');
  const found = await openRatings({ url, data: path, skipBadRows: true });
  assert.equal([found.name, found.source, found.skipped], ['mine.csv', `mine.csv (${path}).`, 1]);
  await refused({ url, data: path }, /mine\.csv:2: /);
  await refused({ url, data: join(folder, 'gone.csv') }, /gone\.csv: There is no such file/);
  assert.is(hits, 0);
});

test.run();
