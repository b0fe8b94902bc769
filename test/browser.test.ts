/** The browser example in a real, headless Chromium: the one inside @sparticuz/chromium, with its SwiftShader. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const SECONDS = 120;
/** A page that runs the example, and posts what it wrote when it is done. */
const HTML = `<!doctype html><meta charset="utf-8"><body></body><script type="module" src="browser.js"></script><script>
const text = () => [...document.body.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim());
const tell = () => document.body.dataset.state === 'done' && fetch('/done', { method: 'POST', body: text().filter(Boolean).join('\\n') });
new MutationObserver(tell).observe(document.body, { attributes: true });
</script>`;

/** Unpacks Chromium and the libraries that it brings along; returns its path and theirs. */
function unpackChromium(folder: string) {
  const entry = dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium'));
  const packed = ['../bin', '../../bin'].map((bin) => join(entry, bin)).find(existsSync)!;
  const unpack = (name: string) => brotliDecompressSync(readFileSync(join(packed, name)));
  const executable = join(folder, 'chromium');
  writeFileSync(executable, unpack('chromium.br'), { mode: 0o755 });
  for (const name of ['swiftshader.tar.br', 'al2023.tar.br']) execFileSync('tar', ['x', '-C', folder], { input: unpack(name) });
  return { executable, libraries: [folder, join(folder, 'lib'), join(folder, 'al2023/lib')].filter(existsSync) };
}

/** What the page says when it is done. */
async function textOfPage(script: string, folder: string): Promise<string> {
  const { executable, libraries } = unpackChromium(folder);
  let resolve!: (text: string) => void;
  let reject!: (error: Error) => void;
  const said = new Promise<string>((...settle) => ([resolve, reject] = settle));
  const server = createServer((request, response) => {
    if (request.url === '/done') {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString())).on('end', () => resolve(text));
      response.end();
    } else if (request.url === '/browser.js') {
      response.setHeader('content-type', 'text/javascript').end(script);
    } else {
      response.setHeader('content-type', 'text/html').end(HTML);
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const chromium = spawn(
    executable,
    [
      '--headless=new',
      '--no-sandbox',
      '--enable-unsafe-webgpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--user-data-dir=${join(folder, 'profile')}`,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    ],
    { env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaints = '';
  chromium.stderr.on('data', (part: Buffer) => (complaints += part.toString()));
  const ended = new Promise<void>((exited) => chromium.on('exit', () => exited()));
  const late = setTimeout(() => reject(new Error(`Chromium said nothing in ${SECONDS} s: ${complaints.slice(-500)}`)), 1000 * SECONDS);
  void ended.then(() => reject(new Error(`Chromium ended: ${complaints.slice(-500)}`)));
  try {
    return await said;
  } finally {
    clearTimeout(late);
    chromium.kill('SIGKILL');
    await ended;
    server.close();
    server.closeAllConnections();
  }
}

/** Removes a folder into which processes that are about to end may still write. */
async function removeSoon(folder: string): Promise<void> {
  for (let left = 50; ; left--) {
    try {
      return rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

test('the browser example trains in Chromium and recommends', async () => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return console.log('skipped: the browser example; the Chromium of @sparticuz/chromium is for Linux x64');
  const entry = fileURLToPath(new URL('../examples/browser.js', import.meta.url));
  const bundle = await build({ entryPoints: [entry], bundle: true, format: 'esm', platform: 'browser', write: false, logLevel: 'silent' });
  const folder = mkdtempSync(join(tmpdir(), 'dotbias-chromium-'));
  try {
    const lines = (await textOfPage(bundle.outputFiles[0].text, folder)).trim().split('\n');
    if (/^\w+: No WebGPU here/.test(lines[0]))
      return console.log('skipped: the browser example; this Chromium finds no WebGPU adapter here');
    assert.is(lines.length, 6, lines.join('\n'));
    const losses = lines.slice(0, 5).map((line) => Number(/^epoch \d: valid loss (\d\.\d{6})$/.exec(line)?.[1]));
    assert.ok(losses[4] < 0.9 && losses[4] < losses[0], lines.join('\n'));
    assert.match(lines[5], /^best items for user 5: \d+, \d+, \d+$/);
  } finally {
    await removeSoon(folder);
  }
});

test.run();
