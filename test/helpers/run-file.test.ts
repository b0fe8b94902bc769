import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runFile } from './run-file.js';

const folder = mkdtempSync(join(tmpdir(), 'dotbias-test-'));
const uvu = pathToFileURL(createRequire(import.meta.url).resolve('uvu')).href;

/** Runs a test file with this text. */
function run(text: string) {
  const file = join(folder, 'file.test.mjs');
  writeFileSync(file, `import uvu from '${uvu}';\nconst { test } = uvu;\n${text}`);
  return runFile(file, { timeoutSeconds: text.includes('for (;;)') ? 1 : 60 });
}

test('passed, failed and skipped tests are counted', async () => {
  const { passed, failed, skipped, notes } = await run(`
    test('a', () => {}); test('b', () => { throw new Error('no'); }); test.skip('c', () => {});
    console.log('note: hear'); console.log('skipped: more'); test.run();`);
  assert.equal(
    { passed, failed, skipped, notes },
    { passed: 1, failed: 1, skipped: ['skipped: more', 'skipped: a test'], notes: ['note: hear'] },
  );
});

const broken: [name: string, text: string, why: RegExp][] = [
  ['has no test.run()', `test('a', () => {});`, /It ended before its tests did/],
  ['has no test', 'test.run();', /No test ran/],
  ['ends in a test', `test('a', () => process.exit()); test.run();`, /Exiting early/],
  ['waits for what never comes', `test('a', () => new Promise(() => {})); test.run();`, /Exiting early/],
  ['hangs', `test('a', () => { for (;;); }); test.run();`, /It did not end within 1 s/],
  ['throws before its tests', `throw new Error('at once');`, /at once[^]*It ended with exit code 1/],
  ['fails after its tests', `test('a', () => {}); test.run(); process.on('exit', () => process.exit(3));`, /It ended with exit code 3/],
];
for (const [name, text, why] of broken) {
  test(`a file that ${name} is a failure`, async () => {
    const { failed, output } = await run(text);
    assert.is(failed, 1);
    assert.match(output, why);
  });
}

test('a file may end early where there is no adapter', async () => {
  const { passed, failed, skipped } = await run(`console.log('skipped: tests that need an adapter');`);
  assert.equal([passed, failed, skipped.length], [0, 0, 1]);
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
