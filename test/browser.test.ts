/** The browser example in a real, headless Chromium. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasChromium, pageSays } from './helpers/chromium.js';

/** A page that runs the example, and posts what it wrote when it is done. */
const HTML = `<!doctype html><meta charset="utf-8"><body></body><script type="module" src="browser.js"></script><script>
const text = () => [...document.body.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim());
const tell = () => document.body.dataset.state === 'done' && fetch('/done', { method: 'POST', body: text().filter(Boolean).join('\\n') });
new MutationObserver(tell).observe(document.body, { attributes: true });
</script>`;

test('the browser example trains in Chromium and recommends', async () => {
  if (!hasChromium('the browser example')) return;
  const entry = fileURLToPath(new URL('../examples/browser.js', import.meta.url));
  const bundle = await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'browser', write: false, logLevel: 'silent' });
  const lines = (await pageSays({ '/': HTML, '/browser.js': bundle.outputFiles[0].text })).trim().split('\n');
  if (/^\w+: (No WebGPU here|The browser has WebGPU, but no adapter)/.test(lines[0]))
    return console.log('skipped: the browser example; this Chromium finds no WebGPU adapter here');
  assert.is(lines.length, 6, lines.join('\n'));
  const losses = lines.slice(0, 5).map((line) => Number(/^epoch \d: valid loss (\d\.\d{6})$/.exec(line)?.[1]));
  assert.ok(losses[4] < 0.9 && losses[4] < losses[0], lines.join('\n'));
  assert.match(lines[5], /^best items for user 5: \d+, \d+, \d+$/);
});

test.run();
