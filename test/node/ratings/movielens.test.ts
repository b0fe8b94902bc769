import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { DataError } from '../../../src/base/errors.js';
import { assertRefused } from '../../helpers/refusal.js';
import { cachedMovieLens, downloadMovieLens, type DownloadOptions } from '../../../src/node/ratings/movielens.js';

const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
const servers: Server[] = [];
test.after(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true });
});

const uData = '196\t242\t3\t881250949\n186\t302\t4\t891717742\n';
const zip = Buffer.from(
  zipSync({ 'ml-100k/u.data': strToU8(uData), 'ml-100k/u.item': strToU8('242|Kolya (1996)|x\n'), 'ml-100k/': new Uint8Array() }),
);
const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

async function serve(listener: RequestListener): Promise<{ url: string; hits: () => number }> {
  let hits = 0;
  const server = createServer((request, response) => {
    hits++;
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ml-100k.zip`, hits: () => hits };
}

const serveBytes = (bytes: Uint8Array) => serve((_, response) => response.writeHead(200, { 'content-length': bytes.length }).end(bytes));
let caches = 0;
/** The folder of a download. */
const folderOf = async (options: DownloadOptions) => (await downloadMovieLens('ml-100k', options)).folder;
const newCache = (): string => join(folder, `cache-${caches++}`);

async function refused(options: DownloadOptions, pattern: RegExp): Promise<void> {
  const cacheDir = newCache();
  try {
    await downloadMovieLens('ml-100k', { cacheDir, md5: md5Of(zip), ...options });
  } catch (error) {
    assert.instance(error, DataError, String(error));
    assert.match((error as Error).message, pattern);
    assert.equal(await readdir(cacheDir), [], 'something was left behind');
    return;
  }
  assert.unreachable('no error');
}

test('a download is checked, unpacked and used again', async () => {
  const { url, hits } = await serveBytes(zip);
  const cacheDir = newCache();
  const progress: [number, number | undefined][] = [];
  const options = { cacheDir, url, md5: md5Of(zip), onProgress: (bytes: number, total?: number) => void progress.push([bytes, total]) };
  assert.is(await cachedMovieLens('ml-100k', cacheDir), undefined);
  const path = await folderOf(options);
  assert.is(path, join(cacheDir, 'ml-100k'));
  assert.is(await readFile(join(path, 'u.data'), 'utf8'), uData);
  assert.equal(progress.at(-1), [zip.length, zip.length]);
  assert.equal(await readdir(cacheDir), ['ml-100k']);
  assert.equal(await downloadMovieLens('ml-100k', options), { folder: path, isCached: true });
  assert.equal(await cachedMovieLens('ml-100k', cacheDir, md5Of(zip)), { folder: path, changed: undefined });
  assert.is(hits(), 1);
});

test('several downloads at once end with one whole folder', async () => {
  const { url } = await serveBytes(zip);
  const options = { cacheDir: newCache(), url, md5: md5Of(zip) };
  const paths = await Promise.all([1, 2, 3, 4].map(() => folderOf(options)));
  assert.is(new Set(paths).size, 1);
  assert.equal(await readdir(options.cacheDir), ['ml-100k']);
  assert.is(await readFile(join(paths[0], 'u.data'), 'utf8'), uData);
});

test('an empty folder that a broken run left is replaced', async () => {
  const { url } = await serveBytes(zip);
  const cacheDir = newCache();
  await mkdir(join(cacheDir, 'ml-100k'), { recursive: true });
  await writeFile(join(cacheDir, 'ml-100k', 'junk'), '');
  await downloadMovieLens('ml-100k', { cacheDir, url, md5: md5Of(zip) });
  assert.equal((await readdir(join(cacheDir, 'ml-100k'))).sort(), ['sha256.json', 'u.data', 'u.item']);
});

test('other bytes than the published ones are refused and removed', async () => {
  const { url } = await serveBytes(Buffer.concat([zip, Buffer.from('x')]));
  await refused({ url }, /not MovieLens-100K: its MD5 is [0-9a-f]{32}, not [0-9a-f]{32}\. It was removed/);
  const { url: whole } = await serveBytes(zip);
  await refused({ url: whole, md5: '0e33842e24a9c977be4e0107933c0723' }, /not 0e33842e24a9c977be4e0107933c0723/);
});

test('a file that was changed after the download is noticed, and all is downloaded again', async () => {
  const { url, hits } = await serveBytes(zip);
  const options = { cacheDir: newCache(), url, md5: md5Of(zip) };
  const file = join(await folderOf(options), 'u.data');
  await writeFile(file, uData.replace('3', '4'));
  assert.is((await cachedMovieLens('ml-100k', options.cacheDir, options.md5))!.changed, 'u.data');
  await downloadMovieLens('ml-100k', options);
  assert.is(await readFile(file, 'utf8'), uData);
  assert.is(hits(), 2);
  // Another archive than the published one is not known: what is in the cache is compared with the published files.
  assert.is((await cachedMovieLens('ml-100k', options.cacheDir))!.changed, 'u.data');
});

test('an endless download is stopped, and one that says so is not begun', async () => {
  const endless = await serve((_, response) => {
    response.writeHead(200);
    const more = () => void (response.destroyed || response.write(Buffer.alloc(1 << 20), more));
    more();
  });
  await refused({ url: endless.url }, /sends more than 50000000 bytes, and MovieLens-100K has 4\.9 MB\. The download was stopped\.$/);
  let began = 0;
  const long = await serve((_, response) => void response.writeHead(200, { 'content-length': 1e12 }).write('x'));
  await refused({ url: long.url, onProgress: () => began++ }, /sends more than/);
  assert.is(began, 0);
});

test('an archive that unpacks to too much is refused', async () => {
  const bytes = Buffer.from(zipSync({ 'ml-100k/u.data': strToU8(uData), 'ml-100k/zeros': new Uint8Array(510_000_000) }, { level: 1 }));
  const { url } = await serveBytes(bytes);
  await refused({ url, md5: md5Of(bytes) }, /archive is not MovieLens-100K: it would unpack to more than 500000000 bytes\.$/);
});

test('redirections are followed on one server and to https, a few times', async () => {
  const { url } = await serve((request, response) => {
    const [, step] = /step=(\d+)/.exec(request.url!) ?? [];
    if (step === '0') return void response.writeHead(200, { 'content-length': zip.length }).end(zip);
    const next = step === undefined ? 3 : Number(step) - 1;
    response.writeHead([301, 302, 307, 308][next % 4], { location: `/else?step=${next}` }).end();
  });
  await downloadMovieLens('ml-100k', { cacheDir: newCache(), url, md5: md5Of(zip) });
  await refused({ url: `${url}?step=7` }, /redirects more than 5 times\.$/);
  for (const location of ['http://127.0.0.1:1/x.zip', 'ftp://x/y', 'file:///etc/passwd', 'http://[']) {
    const other = await serve((_, response) => response.writeHead(302, { location }).end());
    await refused({ url: other.url }, /which is neither https nor on the same server\.$/);
  }
});

test('a download that is cut short is refused', async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'content-length': zip.length }).write(zip.subarray(0, 50));
    setTimeout(() => response.destroy(), 20);
  });
  await refused({ url }, /The download failed: /);
});

test('a server that stalls, never answers, answers with an error or is not there is given up', async () => {
  const stalls = await serve((_, response) => void response.writeHead(200, { 'content-length': zip.length }).write(zip.subarray(0, 50)));
  await refused({ url: stalls.url, stallTimeout: 60 }, /stalled: no data for 0\.06 s/);
  const silent = await serve(() => {});
  await refused({ url: silent.url, connectTimeout: 60 }, /did not answer within 0\.06 s/);
  const missing = await serve((_, response) => response.writeHead(404).end());
  await refused({ url: missing.url }, /status 404/);
  await refused({ url: 'http://127.0.0.1:1/x.zip' }, /ECONNREFUSED/);
});

test('a slow download that keeps coming is not taken for stalled', async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'content-length': zip.length });
    const parts = [0, 1, 2, 3].map((k) => zip.subarray((k * zip.length) / 4, ((k + 1) * zip.length) / 4));
    parts.forEach((part, k) => setTimeout(() => (k === 3 ? response.end(part) : response.write(part)), 60 * k));
  });
  await downloadMovieLens('ml-100k', { cacheDir: newCache(), url, md5: md5Of(zip), stallTimeout: 150, connectTimeout: 150 });
});

test('an abort stops the download with its reason', async () => {
  const { url } = await serve((_, response) => void response.writeHead(200).write(zip.subarray(0, 50)));
  const stop = new AbortController();
  const cacheDir = newCache();
  const running = downloadMovieLens('ml-100k', { cacheDir, url, signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
  await running.then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, 'enough'),
  );
  assert.equal(await readdir(cacheDir), []);
  await downloadMovieLens('ml-100k', { cacheDir, url, signal: AbortSignal.abort(new Error('never')) }).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, 'never'),
  );
  assert.equal(await readdir(cacheDir), []);
});

test('an abort while the cache folder is made is not missed', async () => {
  const { url, hits } = await serveBytes(zip);
  const stop = new AbortController();
  const running = downloadMovieLens('ml-100k', { cacheDir: newCache(), url, md5: md5Of(zip), signal: stop.signal });
  stop.abort(new Error('enough'));
  await running.then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, 'enough'),
  );
  assert.is(hits(), 0);
});

test('a set that changes is checked by the MD5 beside it', async () => {
  const small = Buffer.from(zipSync({ 'ml-latest-small/ratings.csv': strToU8('userId,movieId,rating,timestamp\n1,1,4.0,964982703\n') }));
  let beside: string | undefined = `${md5Of(small)}  ml-latest-small.zip\n`;
  const { url, hits } = await serve((request, response) => {
    if (!request.url!.endsWith('.md5')) return void response.end(small);
    response.writeHead(beside === undefined ? 404 : 200).end(beside);
  });
  const fetchIt = (cacheDir: string) => downloadMovieLens('ml-latest-small', { cacheDir, url });
  const cacheDir = newCache();
  const folderOfSet = join(cacheDir, 'ml-latest-small');
  assert.equal(await fetchIt(cacheDir), { folder: folderOfSet, isCached: false, md5: md5Of(small) });
  assert.equal(await fetchIt(cacheDir), { folder: folderOfSet, isCached: true });
  assert.is(hits(), 2);
  for (const [text, pattern] of [
    [md5Of(zip), /^.*The download is not MovieLens Latest Small: its MD5 is [0-9a-f]{32}, not [0-9a-f]{32}\./],
    ['not today', /zip\.md5: There is no MD5 in what the server sends/],
    ['x'.repeat(20_000), /sends more than 10000 bytes/],
    [undefined, /zip\.md5: The server answered with status 404/],
  ] as const) {
    beside = text;
    const elsewhere = newCache();
    await assertRefused(() => fetchIt(elsewhere), pattern, DataError);
    assert.equal(await readdir(elsewhere), []);
  }
});

test('the folder of an archive may have another name than the set, and a set that there is not is refused', async () => {
  const ten = Buffer.from(
    zipSync({ 'ml-10M100K/ratings.dat': strToU8('1::122::5::838985046\n'), 'ml-10M100K/deep/split.sh': strToU8('x') }),
  );
  const { url } = await serveBytes(ten);
  const cacheDir = newCache();
  const { folder: found } = await downloadMovieLens('ml-10m', { cacheDir, url, md5: md5Of(ten) });
  assert.is(found, join(cacheDir, 'ml-10M100K'));
  assert.is((await cachedMovieLens('ml-10m', cacheDir, md5Of(ten)))!.changed, undefined);
  await rm(join(found, 'deep'), { recursive: true });
  assert.is((await cachedMovieLens('ml-10m', cacheDir, md5Of(ten)))!.changed, 'deep/split.sh');
  await assertRefused(() => downloadMovieLens('ml-5m' as never), /^The MovieLens set must be 'ml-100k', /);
});

test('an option that does not exist is refused', async () => {
  await downloadMovieLens('ml-100k', { cachedir: newCache() } as object).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /^downloadMovieLens has no option 'cachedir'; did you mean cacheDir\?$/),
  );
});

test('an archive with names that lead elsewhere, or with other files, is refused', async () => {
  for (const name of ['../evil', 'ml-100k/../../evil', '/evil', 'C:\\evil', 'a\\..\\evil']) {
    const bytes = zipSync({ 'ml-100k/u.data': strToU8(uData), [name]: strToU8('x') });
    const { url } = await serveBytes(bytes);
    await refused({ url, md5: md5Of(bytes) }, /unsafe name/);
  }
  assert.not((await readdir(folder)).includes('evil'));
  const other = zipSync({ 'other.txt': strToU8('x') });
  await refused({ url: (await serveBytes(other)).url, md5: md5Of(other) }, /holds no ml-100k\/u\.data/);
  const junk = Buffer.from('not a zip file at all');
  await refused({ url: (await serveBytes(junk)).url, md5: md5Of(junk) }, /The zip archive is damaged or cut short/);
});

test.run();
