import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { saveModel } from '../../../src/node.js';
import { dotbias, startDotbias, temporaryFolder } from '../../helpers/cli.js';
import { modelOf, tablesOf } from '../../helpers/rated-model.js';

const path = join(temporaryFolder(), 'model.safetensors');
test.before(async () => {
  const sizes = { nUsers: 5, nItems: 30, nFactors: 3 };
  await saveModel(
    await modelOf(
      sizes,
      tablesOf(sizes, (table, i) => Math.sin(table + i)),
    ),
    path,
  );
});

test('dotbias serve answers, loads the file anew on SIGHUP, and ends with 0 on SIGTERM once all has been answered', async () => {
  const { child, stderr } = startDotbias('serve', '--model', path, '--port', '0', '--max-delay', '200');
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  assert.match((await lines.next()).value, /^Device: /);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec((await lines.next()).value)![0];
  const ask = () => fetch(`${url}/users/u1/recommendations?n=2&exclude=none`);
  assert.is((await ask()).status, 200);
  child.kill('SIGHUP');
  while (!stderr().includes('this model answers now')) await setTimeout(5);
  const answers = [ask(), ask()];
  while (!/^dotbias_waiting 2$/m.test(await (await fetch(`${url}/metrics`)).text())) await setTimeout(5);
  child.kill('SIGTERM');
  for (const answer of await Promise.all(answers)) assert.is((await answer.json()).recommendations.length, 2);
  assert.equal(await once(child, 'exit'), [0, null]);
  assert.match(stderr(), /Ending: what has been asked is answered first\./);
});

test('what it cannot serve, it refuses before it listens', async () => {
  const { code, stderr } = await dotbias('serve', '--model', `${path}.none`);
  assert.is(code, 1);
  assert.match(stderr, /^error: .*There is no such file\./);
});

test.run();
