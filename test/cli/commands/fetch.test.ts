import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { strToU8, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addFetch } from '../../../src/cli/commands/fetch.js';
import { dotbiasHere, startDotbias, temporaryFolder } from '../../helpers/cli.js';

const RATINGS = 'userId,movieId,rating,timestamp\n1,1,4.0,964982703\n';
const zip = Buffer.from(zipSync({ 'ml-latest-small/ratings.csv': strToU8(RATINGS), 'ml-latest-small/README.txt': strToU8('research\n') }));
const md5 = createHash('md5').update(zip).digest('hex');

const servers: Server[] = [];
test.after(() => servers.forEach((server) => server.close().closeAllConnections()));
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/set.zip`;
}
const fetchSet = (...args: string[]) => dotbiasHere(addFetch, 'fetch', ...args);

test('fetch downloads a set, checks it, unpacks it, and uses it again', async () => {
  const out = temporaryFolder();
  const url = await serve((request, response) => void response.end(request.url!.endsWith('.md5') ? `${md5} *set.zip` : zip));
  const { code, stdout, stderr } = await fetchSet('ml-latest-small', '--out', out, '--url', url);
  const folder = join(out, 'ml-latest-small');
  assert.equal([code, stderr], [0, '']);
  assert.is(
    stdout,
    `MovieLens Latest Small is in ${folder}; the MD5 of its archive is ${md5}, as the server says beside it.\n` +
      'This set changes from time to time: to have it anew, remove the folder first. Do not report results on it.\n' +
      'It is for research, and may not be passed on; the README in its folder says more.\n',
  );
  assert.equal([readdirSync(out), readFileSync(join(folder, 'ratings.csv'), 'utf8')], [['ml-latest-small'], RATINGS]);
  assert.match((await fetchSet('ml-latest-small', '--out', out, '--url', url)).stdout, /^MovieLens Latest Small was in .* already/);
  assert.is((await fetchSet('ml-latest-small', '--out', out, '--quiet')).stdout, `${folder}\n`);
  writeFileSync(join(folder, 'ratings.csv'), 'my own');
  const refused = await fetchSet('ml-latest-small', '--out', out, '--url', url);
  assert.match(refused.stderr, /^error: .*ml-latest-small is there already, but ratings\.csv is not as it was downloaded: remove it, or/);
  assert.is(readFileSync(join(folder, 'ratings.csv'), 'utf8'), 'my own');
});

test('fetch refuses another archive than the published one, and an unknown set or server, and leaves nothing', async () => {
  const out = temporaryFolder();
  const url = await serve((_, response) => void response.end(zip));
  for (const [args, message] of [
    [['ml-1m', '--url', url], /^error: .*not MovieLens-1M: its MD5 is [0-9a-f]{32}, not c4d9eecfca2ab87c1945afe126590906\. .*\n$/],
    [['ml-latest-small', '--url', url], /^error: .*There is no MD5 in what the server sends as that of MovieLens Latest Small\.\n$/],
    [['ml-25m', '--url', 'http://127.0.0.1:1/x.zip'], /^error: .*The download failed: ECONNREFUSED\.\n$/],
    [['ml-25m', '--url', 'ftp://x/y'], /^error: --url must be an address that begins with/],
    [['ml-5m'], /^error: .*Allowed choices are ml-100k, ml-1m, /],
    [[], /^error: missing required argument/],
  ] as const) {
    const { code, stdout, stderr } = await fetchSet(...args, '--out', out);
    assert.equal([code, stdout], [1, ''], stderr);
    assert.match(stderr, message);
    assert.equal(readdirSync(out), []);
  }
});

test('Ctrl-C ends a download, and nothing of it is left', async () => {
  const out = temporaryFolder();
  let begun: () => void;
  const begins = new Promise<void>((resolve) => (begun = resolve));
  const url = await serve((_, response) => void response.writeHead(200).write(zip.subarray(0, 50), () => begun()));
  const { child, stderr } = startDotbias('fetch', 'ml-1m', '--out', out, '--url', url);
  await begins;
  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number];
  assert.equal([code, stderr(), readdirSync(out)], [130, 'Interrupted: nothing was left behind.\n', []]);
});

test.run();
