import { copyFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hash32, loadModelFile, type ModelServer, saveModel, serveModel, type ServeOptions } from '../../../src/node.js';
import { named } from '../../../src/answer/recommend.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { testAdapterName } from '../../helpers/device.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { modelOf, ratingsOf, tablesOf } from '../../helpers/rated-model.js';

const test = suite('serve');
const gpu = await sharedGpu();
const folder = temporaryFolder();
const [FIRST, SECOND] = [join(folder, 'first.safetensors'), join(folder, 'second.safetensors')];
const sizes = { nUsers: 40, nItems: 120, nFactors: 6 };
const train = ratingsOf([
  [1, 1],
  [1, 2],
]);
for (const [seed, path] of [FIRST, SECOND].entries()) {
  const tables = tablesOf(sizes, (table, i) => hash32(seed, table, i, 0) / 2 ** 32 - 0.5);
  const model = await modelOf(sizes, tables, { train, titles: new Map([['i3', 'Three']]) });
  await saveModel(model, path);
  model.release();
}

const events: string[] = [];
const serve = (path: string, options: ServeOptions = {}) =>
  serveModel(path, { ...testAdapterName, port: 0, onEvent: (sentence) => events.push(sentence), ...options });

interface Body {
  error: string;
  recommendations: object[];
  paths: Record<string, { get: { parameters: { schema: object }[] } }>;
}
interface Answered {
  status: number;
  headers: Headers;
  text: string;
  body: Body;
}
async function ask({ url }: ModelServer, path: string, init?: RequestInit): Promise<Answered> {
  const response = await fetch(url + path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Body };
}
const post = (server: ModelServer, body: unknown, headers = { 'Content-Type': 'application/json' }) =>
  ask(server, '/recommendations', { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

/** Sends bytes as they are, and returns all that comes back until the server or `ms` ends it. */
function raw({ url }: ModelServer, text: string, ms = 2000): Promise<string> {
  return new Promise((resolve) => {
    let got = '';
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8').on('data', (more: string) => (got += more));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(got));
    socket.setTimeout(ms, () => socket.destroy());
  });
}

const SWAPPED = join(folder, 'swapped.safetensors');
copyFileSync(FIRST, SWAPPED);
const server = await serve(FIRST);
const swapping = await serve(SWAPPED);
const small = await serve(FIRST, { maxWaiting: 3, maxDelayMs: 50 });
const model = await loadModelFile(FIRST, { gpu });
test.after(async () => {
  model.release();
  await Promise.all([server, swapping, small].map((each) => each.close()));
});

test('answers are those of the model, and many at once those of each alone', async () => {
  const users = Array.from({ length: 39 }, (_, k) => `u${k + 1}`);
  const answers = await Promise.all(users.map((user) => ask(server, `/users/${user}/recommendations?n=4`)));
  for (const [k, user] of users.entries()) {
    assert.is(answers[k].status, 200);
    assert.equal(answers[k].body, { user, recommendations: await model.recommend(user, 4) });
  }
  const ratings = [
    { item: 'i5', rating: 4 },
    { item: 'i9', rating: 1.5 },
  ];
  const folded = await model.foldInAll([ratings.map(({ item, rating }) => [item, rating] as const)]);
  const recommendations = named(model, await folded.recommend(3));
  assert.equal((await post(server, { ratings, n: 3 })).body, { nRatings: 2, recommendations });
  const { body } = await ask(server, '/items/i3/similar?n=2');
  assert.equal(body, { item: 'i3', similar: await model.similarItems('i3', 2) });
  const all = (await ask(server, '/users/u1/recommendations?n=1000&exclude=none')).body.recommendations;
  assert.is(all.length, 119);
  assert.is((await ask(server, '/users/u1/recommendations?n=1000')).body.recommendations.length, 117);
});

const refusals: [path: string, status: number, message: RegExp][] = [
  ['/users/u99/recommendations', 404, /^Training saw no user 'u99'\.$/],
  ['/users/a%2Fb%20%C3%BC%0A/recommendations', 404, /^Training saw no user 'a\/b ü\n'\.$/],
  ['/users/__proto__/recommendations', 404, /no user '__proto__'/],
  ['/users/%23na%23/recommendations', 404, /no user '#na#'/],
  ['/items/none/similar', 404, /no item 'none'/],
  ['/users/%ZZ/recommendations', 400, /'%ZZ' in the path is no percent-encoded UTF-8/],
  ['/users/%C3/recommendations', 400, /'%C3' in the path/],
  ['/users/u1/recommendations?n=0', 400, /n must be a whole number from 1 to 1000, not 0/],
  ['/users/u1/recommendations?n=1001', 400, /not 1001/],
  ['/users/u1/recommendations?n=1e9', 400, /not '1e9'/],
  ['/users/u1/recommendations?n=NaN', 400, /not 'NaN'/],
  ['/users/u1/recommendations?n=-1', 400, /not '-1'/],
  ['/users/u1/recommendations?n=', 400, /not ''/],
  ['/users/u1/recommendations?n=3&n=4', 400, /'n' twice/],
  ['/users/u1/recommendations?m=3', 400, /The query has 'm'; it may have n and exclude/],
  ['/users/u1/recommendations?exclude=all', 400, /exclude must be 'rated' or 'none', not 'all'/],
  ['/users/u1/recommendations?n=%FF', 400, /'%FF' in the query/],
  ['/users/u1', 404, /There is nothing at '\/users\/u1'/],
  ['/users//recommendations', 404, /There is nothing/],
  ['/constructor', 404, /There is nothing/],
];
for (const [path, status, message] of refusals) {
  test(`${path} is refused with ${status} and a sentence`, async () => {
    const answer = await ask(server, path);
    assert.is(answer.status, status);
    assert.match(answer.body.error, message);
  });
}

const bodies: [body: unknown, status: number, message: RegExp][] = [
  ['{"ratings":', 400, /The body is not JSON/],
  ['', 400, /The body is not JSON/],
  ['[]', 400, /must be an object/],
  [{}, 400, /ratings must be a list/],
  [{ ratings: [] }, 400, /There are no ratings/],
  [{ ratings: [['i1', 3]] }, 400, /ratings\[0\] must be an object \{ item, rating \}/],
  [{ ratings: [{ item: 'i1', rating: 3, at: 5 }] }, 400, /ratings\[0\]/],
  [{ ratings: [{ item: 'i1', rating: '3' }] }, 400, /is '3', not a finite number/],
  [{ ratings: [{ item: 'i1', rating: 99 }] }, 400, /outside the model's range/],
  [{ ratings: [{ item: 'new', rating: 3 }] }, 400, /no item 'new'/],
  [{ ratings: [{ item: 'i1', rating: 3 }], n: '5' }, 400, /n must be a whole number from 1 to 1000, not '5'/],
  ['{"ratings":[{"item":"i1","rating":3}],"__proto__":{"n":1}}', 400, /has '__proto__'/],
  ['{"ratings":[{"item":"i1","rating":3,"__proto__":1}]}', 400, /ratings\[0\]/],
  [{ ratings: Array.from({ length: 1001 }, () => ({ item: 'i1', rating: 3 })) }, 400, /There are 1001 ratings; at most 1000/],
  ['['.repeat(1000), 400, /brackets 1000 deep/],
  [`"${'x'.repeat(1_000_000)}"`, 413, /larger than 262144 bytes/],
];
for (const [body, status, message] of bodies) {
  test(`the body ${JSON.stringify(body).slice(0, 70)} is refused with ${status} and a sentence`, async () => {
    const answer = await post(server, body);
    assert.is(answer.status, status);
    assert.match(answer.body.error, message);
  });
}

test('another method is refused with what is allowed, another type with 415; HEAD is as GET', async () => {
  const wrong = await ask(server, '/recommendations');
  assert.equal([wrong.status, wrong.headers.get('allow')], [405, 'POST']);
  const deleted = await ask(server, '/health', { method: 'DELETE' });
  assert.equal([deleted.status, deleted.headers.get('allow')], [405, 'GET, HEAD']);
  assert.is((await post(server, '{}', { 'Content-Type': 'text/plain' })).status, 415);
  const head = await ask(server, '/users/u1/recommendations', { method: 'HEAD' });
  assert.equal([head.status, head.text], [200, '']);
  assert.is(
    (
      await post(server, {
        ratings: [
          { item: 'new', rating: 3 },
          { item: 'i1', rating: 3 },
        ],
        unknown: 'skip',
      })
    ).status,
    200,
  );
});

test('pipelined requests are answered in order, and what is no HTTP with 400', async () => {
  const get = (user: string, more = '') => `GET /users/${user}/recommendations?n=1 HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  const got = await raw(server, get('u1') + get('none') + get('u2', 'Connection: close\r\n'));
  assert.equal(
    [...got.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status),
    ['200', '404', '200'],
  );
  assert.ok(got.indexOf('"u1"') < got.indexOf("'none'") && got.indexOf("'none'") < got.indexOf('"u2"'));
  assert.match(await raw(server, 'no http\r\n\r\n'), /^HTTP\/1.1 400/);
});

test('clients that go away in the midst of a request do no harm', async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, k) => {
      const whole = 'GET /users/u1/recommendations HTTP/1.1\r\nHost: x\r\n\r\n';
      const part = 'POST /recommendations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{';
      return raw(server, k % 2 ? whole : part, 1);
    }),
  );
  assert.is((await ask(server, '/users/u1/recommendations')).status, 200);
});

test('the description has all routes, and the metrics count them', async () => {
  const { body } = await ask(server, '/openapi.json');
  const paths = ['/users/{id}/recommendations', '/recommendations', '/items/{id}/similar', '/health', '/metrics', '/openapi.json'];
  assert.equal(Object.keys(body.paths), paths);
  assert.equal(body.paths[paths[0]].get.parameters[1].schema, { type: 'integer', minimum: 1, maximum: 1000, default: 10 });
  const { text: metrics, headers } = await ask(server, '/metrics');
  assert.match(headers.get('content-type')!, /^text\/plain; version=0.0.4/);
  assert.match(metrics, /^dotbias_requests_total\{route="GET \/users\/\{id\}\/recommendations",status="404"\} \d+$/m);
  assert.match(metrics, /^dotbias_request_seconds_count\{route="POST \/recommendations"\} \d+$/m);
  assert.match(metrics, /^dotbias_up 1$/m);
  assert.ok(metrics.split('\n').every((line) => /^(#.*|[a-z_]+(\{.*\})? [\d.e+-]+|)$/.test(line)));
});

test('more requests than may wait get 503 with Retry-After, and the others their answers', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, (_, k) => ask(small, `/users/u${k + 1}/recommendations`)));
  const refused = answers.filter(({ status }) => status === 503);
  assert.ok(refused.length > 0 && refused.length < 12);
  assert.ok(refused.every(({ headers, body }) => headers.get('retry-after') === '1' && /Too many/.test(body.error)));
  assert.ok(answers.every(({ status }) => status === 503 || status === 200));
  assert.is((await ask(small, '/health')).status, 200);
});

test('a new model is swapped in under load: each answer is wholly of one, and none is lost; a broken file changes nothing', async () => {
  const lists = async (of: string) => {
    const loaded = await loadModelFile(of, { gpu });
    const all = await Promise.all(Array.from({ length: 8 }, (_, k) => loaded.recommend(`u${k + 1}`, 5)));
    loaded.release();
    return all.map((recommendations, k) => JSON.stringify({ user: `u${k + 1}`, recommendations }));
  };
  const [old, fresh] = [await lists(FIRST), await lists(SECOND)];
  let isOver = false;
  const seen = new Set<string>();
  const client = async (k: number) => {
    while (!isOver) {
      const { status, text } = await ask(swapping, `/users/u${k + 1}/recommendations?n=5`);
      assert.is(status, 200);
      assert.ok(text === old[k] || text === fresh[k], text);
      seen.add(text);
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, (_, k) => client(k)));
  const seenAtLeast = async (n: number) => {
    while (seen.size < n) await setTimeout(1);
  };
  await Promise.race([clients, seenAtLeast(8)]);
  writeFileSync(SWAPPED, 'half a fi');
  assert.is(await swapping.reload(), false);
  assert.match(events.at(-1)!, /still answers\. .*swapped\.safetensors: /);
  copyFileSync(SECOND, SWAPPED);
  assert.is(await swapping.reload(), true);
  await Promise.race([clients, seenAtLeast(16)]);
  isOver = true;
  await clients;
});

test('when the device is lost, requests get 503 and health says so, until it is open again', async () => {
  const before = (await ask(swapping, '/users/u1/recommendations')).body;
  const waiting = Array.from({ length: 5 }, (_, k) => ask(swapping, `/users/u${k + 1}/recommendations`));
  swapping.device.gpu.device.destroy();
  const statuses = new Set((await Promise.all(waiting)).map(({ status }) => status));
  while (!/A device is open again/.test(events.at(-1)!)) statuses.add((await ask(swapping, '/health')).status);
  assert.ok(statuses.has(503) && [...statuses].every((status) => status === 200 || status === 503));
  assert.is((await ask(swapping, '/health')).status, 200);
  assert.equal((await ask(swapping, '/users/u1/recommendations')).body, before);
});

test('an end answers what has been asked, and takes nothing more; what was allocated is given back', async () => {
  const { gpu: own } = small.device;
  const waiting = Array.from({ length: 3 }, (_, k) => ask(small, `/users/u${k + 1}/recommendations`));
  while (!/^dotbias_waiting 3$/m.test((await ask(small, '/metrics')).text)) await setTimeout(1);
  const idle = raw(small, '', 10_000);
  await small.close();
  assert.ok((await Promise.all(waiting)).every(({ status, headers }) => status === 200 && headers.get('connection') === 'close'));
  assert.is(await idle, '');
  assert.is(own.allocated, 0);
  await ask(small, '/health').then(
    () => assert.unreachable(),
    () => undefined,
  );
});

test('a port, a host or a file that will not do is refused in a sentence', async () => {
  const refused = async (path: string, options: ServeOptions) =>
    serve(path, options).then(
      () => '',
      (error: Error) => error.message,
    );
  assert.match(await refused(FIRST, { port: 70_000 }), /port must be a whole number from 0 to 65535/);
  assert.match(await refused(FIRST, { prot: 1 } as never), /did you mean port/);
  assert.match(
    await refused(FIRST, { port: Number(new URL(server.url).port) }),
    /cannot listen at 127\.0\.0\.1, port \d+: the port is in use\./,
  );
  assert.match(await refused(FIRST, { host: '203.0.113.1' }), /this machine does not have that address\./);
  assert.match(await refused(FIRST, { maxDelayMs: 1e12 }), /maxDelayMs must be at most 60000/);
  assert.match(await refused(join(folder, 'none'), {}), /There is no such file/);
});

test.run();
