/** The worker's script in a real browser, bundled. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasChromium, pageSays } from '../helpers/chromium.js';
import type { Found } from '../helpers/worker-page.js';

const dist = fileURLToPath(new URL('../..', import.meta.url));
/** Scripts bundled as a user of a bundler would. @param folder where they are to lie */
async function bundle(entryPoints: Readonly<Record<string, string>>, folder = ''): Promise<Record<string, string>> {
  const options = { bundle: true, format: 'esm', platform: 'browser', minify: true, write: false, logLevel: 'silent' } as const;
  const { outputFiles } = await build({ ...options, absWorkingDir: dist, entryPoints, splitting: true, outdir: join(dist, folder) });
  return Object.fromEntries(outputFiles.map(({ path, text }) => [path.slice(dist.length - 1), text]));
}

test('in Chromium a worker trains with the bits of the page, has a thread of its own for batches, and says what is wrong', async () => {
  if (!hasChromium('training in a worker')) return;
  const worker = 'src/worker/serve.js';
  const said = await pageSays({
    '/': '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>',
    ...(await bundle({ page: 'test/helpers/worker-page.js', worker, 'window-worker': 'src/steps/window-worker.js' })),
    ...(await bundle({ worker }, 'alone')),
  });
  if (said.includes('no adapter')) return console.log('skipped: training in a worker; this Chromium finds no WebGPU adapter here');
  assert.match(said, /^\{/);
  const { there, here, note, noteAlone, file, refused, missing } = JSON.parse(said) as Found;
  assert.equal(there, here);
  assert.ok(here.losses.length > 100 && here.validLosses[2] < here.validLosses[0]);
  assert.is(note, 'Batches are made in a thread of their own.');
  assert.match(noteAlone!, /^Batches are made on the main thread: the thread for them did not start: its script could not be loaded\.$/);
  assert.is(file, 'my.csv 2');
  assert.is(refused, 'true: RangeError: nUsers must be a whole number from 1 to 2147483648, not 0.');
  assert.match(missing, /^DotbiasError: The worker has ended: its script could not be loaded\. Connect another, /);
});

test.run();
