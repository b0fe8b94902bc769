/** A real, headless Chromium: the one inside @sparticuz/chromium, with its SwiftShader. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const SECONDS = 120;

/** Whether that Chromium runs here; says so if it does not. */
export function hasChromium(what: string): boolean {
  const isHere = process.platform === 'linux' && process.arch === 'x64';
  if (!isHere) console.log(`skipped: ${what}; the Chromium of @sparticuz/chromium is for Linux x64`);
  return isHere;
}

/**
 * Opens a page, and waits for what it says: the body of its first POST to /done.
 * @param files by path; / is the page
 */
export async function pageSays(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dotbias-chromium-'));
  try {
    return await openPage(files, folder);
  } finally {
    await removeSoon(folder);
  }
}

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

async function openPage(files: Readonly<Record<string, string>>, folder: string): Promise<string> {
  const { executable, libraries } = unpackChromium(folder);
  let resolve!: (text: string) => void;
  let reject!: (error: Error) => void;
  const said = new Promise<string>((...settle) => ([resolve, reject] = settle));
  const server = createServer((request, response) => {
    const { url = '/' } = request;
    if (url === '/done') {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString())).on('end', () => resolve(text));
      response.end();
    } else if (url in files) {
      response.setHeader('content-type', url === '/' ? 'text/html' : 'text/javascript').end(files[url]);
    } else {
      response.writeHead(404).end();
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
