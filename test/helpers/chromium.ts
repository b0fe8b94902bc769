/** A real, headless Chromium: the one inside @sparticuz/chromium, with its SwiftShader, or the one that DOTBIAS_CHROMIUM names. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

export interface Chromium {
  executable: string;
  env: Record<string, string | undefined>;
}

const cache = fileURLToPath(new URL('../../../node_modules/.cache/dotbias', import.meta.url));

/** Null where there is none. Unpacks it the first time, which takes seconds, into node_modules. WebGPU needs `--enable-unsafe-webgpu`. */
export function findChromium(): Chromium | null {
  const named = process.env['DOTBIAS_CHROMIUM'];
  if (named) return { executable: named, env: process.env };
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const entry = dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium'));
  const home = ['..', '../..'].map((up) => join(entry, up)).find((folder) => existsSync(join(folder, 'bin')))!;
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) unpack(join(home, 'bin'), folder);
  const libraries = [folder, join(folder, 'lib'), join(folder, 'al2023/lib')].filter(existsSync);
  return {
    executable: join(folder, 'chromium'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':'), FONTCONFIG_PATH: folder },
  };
}

/** Unpacks beside the folder first, since another process may do the same. */
function unpack(packed: string, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const made = mkdtempSync(`${folder}-`);
  const bytes = (name: string) => brotliDecompressSync(readFileSync(join(packed, name)));
  writeFileSync(join(made, 'chromium'), bytes('chromium.br'), { mode: 0o755 });
  for (const name of ['swiftshader', 'al2023', 'fonts']) execFileSync('tar', ['x', '-C', made], { input: bytes(`${name}.tar.br`) });
  // Theirs names no folder that exists, and without any font a text field ends Chromium.
  writeFileSync(
    join(made, 'fonts.conf'),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>${folder}/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>\n`,
  );
  try {
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}

const SECONDS = 120;

/** Whether there is one; says so if not. */
export function hasChromium(what: string): boolean {
  const isHere = findChromium() !== null;
  if (!isHere) console.log(`skipped: ${what}; the Chromium of @sparticuz/chromium is for Linux x64, and DOTBIAS_CHROMIUM names no other`);
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

async function openPage(files: Readonly<Record<string, string>>, folder: string): Promise<string> {
  const { executable, env } = findChromium()!;
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
    { env, stdio: ['ignore', 'ignore', 'pipe'] },
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
