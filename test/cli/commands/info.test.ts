import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { VERSION } from '../../../src/base/version.js';
import { dotbias } from '../../helpers/cli.js';
import { orEnd, testGpu } from '../../helpers/device.js';

await orEnd(testGpu());

test('info shows the adapters and which one is used', async () => {
  const [text, json] = await Promise.all([dotbias('info'), dotbias('info', '--json')]);
  assert.equal([text.code, text.stderr, json.code, json.stderr], [0, '', 0, '']);
  const info = JSON.parse(json.stdout);
  assert.is(info.dotbias, VERSION);
  assert.is(info.runtime, `Node ${process.version}`);
  assert.ok(info.adapters.some(({ name }: { name: string }) => name === info.used.name));
  assert.ok(info.adapters[0].limits.maxBufferSize > 0);
  assert.match(text.stdout, `A run would use ${info.used.name}`);
  for (const { name } of info.adapters) assert.match(text.stdout, name);
  assert.is(info.used.threads !== undefined, info.used.name === 'llvmpipe');
  if (info.used.threads) assert.ok(text.stdout.endsWith(`), ${info.used.threads}.\n`));
});

test('info of an adapter that there is none of says so on stderr, and beside it what there is', async () => {
  const [text, json] = [await dotbias('info', '--adapter', 'x\u001b[31m'), await dotbias('info', '--adapter', 'x', '--json')];
  assert.match(text.stderr, /^error: [^\n]*'x\\u001b\[31m'[^\n]*\n$/);
  assert.ok(!text.stdout.includes('error') && text.stdout.includes('Cache: '));
  assert.is(json.stderr, `error: ${JSON.parse(json.stdout).problem}\n`);
  assert.equal([text.code, json.code], [1, 1]);
});

// Elsewhere no variable hides the adapters.
if (process.platform === 'linux') {
  test('info without an adapter says what to do, with exit code 1', async () => {
    const before = process.env['VK_ICD_FILENAMES'];
    process.env['VK_ICD_FILENAMES'] = '/none/such.json';
    const { code, stdout, stderr } = await dotbias('info').finally(() => {
      if (before === undefined) delete process.env['VK_ICD_FILENAMES'];
      else process.env['VK_ICD_FILENAMES'] = before;
    });
    assert.is(code, 1);
    assert.match(stderr, /error: No WebGPU adapter was found\. .+VK_ICD_FILENAMES.*\n$/);
    assert.match(stdout, /^dotbias .*\nCache: .*\n\n?$/);
  });
}

test.run();
