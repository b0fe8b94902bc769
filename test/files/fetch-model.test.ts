import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rangeOf } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { DotbiasError, FileFormatError } from '../../src/base/errors.js';
import { IdMap, NA } from '../../src/data/ids.js';
import { fetchModel } from '../../src/files/fetch-model.js';
import { loadModel, writeModel } from '../../src/files/model-file.js';
import { sharedGpu } from '../helpers/gpu.js';
import { tablesOf } from '../helpers/rated-model.js';
import { assertRefused } from '../helpers/refusal.js';

const test = suite('fetchModel');

const shape = { nUsers: 3, nItems: 3, nFactors: 2, hasBias: true };
const ids = new IdMap([NA, 1, 2]);
const tables = tablesOf(shape, (table, i) => (table + i) / 8);
const bytes = writeModel({ tables, shape, users: ids, items: ids, score: dotProduct, range: rangeOf(null), training: {} });
const sha256 = createHash('sha256').update(bytes).digest('hex');

const answers: Record<string, RequestListener> = {
  '/model': (_, response) => response.end(bytes),
  '/chunked': (_, response) => {
    response.write(bytes.subarray(0, 100));
    setTimeout(() => response.end(bytes.subarray(100)), 20);
  },
  '/gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(bytes)),
  '/moved': (_, response) => response.writeHead(302, { location: '/model' }).end(),
  '/page': (_, response) => response.end('<!doctype html>'),
  '/broken': (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 100));
    setTimeout(() => response.destroy(), 20);
  },
  '/endless': (_, response) => {
    const more = setInterval(() => response.write(new Uint8Array(1000)), 1);
    response.on('close', () => clearInterval(more));
  },
};
const server = createServer((request, response) => {
  const path = request.url!.replace(/\?.*/, '');
  const status = /^\/(\d{3})$/.exec(path)?.[1];
  const answer = answers[path];
  if (answer) answer(request, response);
  else response.writeHead(Number(status ?? 404)).end('no');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const at = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

test.after(() => {
  server.closeAllConnections();
  server.close();
});

test('the bytes come as they are: whole, in pieces, compressed, from another place', async () => {
  for (const path of ['/model', '/chunked', '/gzip', '/moved', '/model?token=1']) {
    assert.equal(Buffer.from(await fetchModel(at(path), { sha256, maxBytes: bytes.length })), Buffer.from(bytes), path);
  }
  assert.is((await fetchModel(new URL(at('/model')), { sha256: sha256.toUpperCase() })).length, bytes.length);
});

test('loadModel takes an address, and predicts what the file says', async () => {
  const model = await loadModel(at('/model'), { sha256, gpu: await sharedGpu() });
  const [prediction] = await model.predict([1], [2]);
  const { userFactors: u, itemFactors: i, userBias, itemBias } = tables;
  assert.is(prediction, u[2] * i[4] + u[3] * i[5] + userBias[1] + itemBias[2]);
  model.release();
});

test('more than maxBytes is refused, said before or not, and the transfer ends', async () => {
  for (const path of ['/model', '/chunked', '/gzip']) {
    await assertRefused(
      () => fetchModel(at(path), { maxBytes: bytes.length - 1 }),
      /: The file is longer than \d+ bytes; give a larger/,
      DotbiasError,
    );
  }
  await assertRefused(() => fetchModel(at('/endless'), { maxBytes: 5000 }), /longer than 5000 bytes/, DotbiasError);
});

test('another file than the SHA-256 says, and what is no model, are refused with the address, without its query', async () => {
  const other = '0'.repeat(64);
  await assertRefused(
    () => fetchModel(at('/model?token=1'), { sha256: other }),
    /\/model: This is another file: its SHA-256 is [0-9a-f]{64}, not 0{64}\.$/,
    FileFormatError,
  );
  await assertRefused(() => loadModel(at('/page?token=1')), /^http:\/\/127[^?]*\/page: /, FileFormatError);
});

for (const [path, message] of [
  ['/404', /^http:\S+\/404: The server answered 404 Not Found: there is no such file\.$/],
  ['/403', /answered 403 Forbidden: it gives the file to some only\. Fetch it yourself, and give loadModel its bytes\.$/],
  ['/503', /answered 503 Service Unavailable: try again later\.$/],
  ['/418', /answered 418 I'm a Teapot\.$/],
  ['/broken', /: The connection broke after 100 bytes; try again\.$/],
] as const) {
  test(`refused in a sentence: ${path}`, () => assertRefused(() => fetchModel(at(path)), message, DotbiasError));
}

test('no server, an aborted transfer, wrong options', async () => {
  await assertRefused(
    () => fetchModel('http://127.0.0.1:1/x'),
    /^http:\/\/127\.0\.0\.1:1\/x: The server could not be reached.*\.$/,
    DotbiasError,
  );
  const reason = new Error('Enough.');
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  const error = await fetchModel(at('/endless'), { signal: controller.signal }).catch((thrown: unknown) => thrown);
  assert.is(error, reason);
  assert.is(await fetchModel(at('/model'), { signal: AbortSignal.abort(reason) }).catch((thrown: unknown) => thrown), reason);
  await assertRefused(() => fetchModel('ftp://x/y'), /from an address of https or http, not from 'ftp:\/\/x\/y'/, TypeError);
  await assertRefused(() => fetchModel('https://'), /address of https or http/, TypeError);
  await assertRefused(() => fetchModel(at('/model'), { sha256: 'abc' }), /sha256 must be 64 hexadecimal digits, not 'abc'/, TypeError);
  await assertRefused(() => fetchModel(at('/model'), { maxBytes: 0 }), /maxBytes must be a whole number/);
  await assertRefused(
    () => loadModel(bytes, { sha256 }),
    /^sha256 is for a model that is fetched: give loadModel its address\.$/,
    TypeError,
  );
});

test.run();
