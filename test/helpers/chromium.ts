/** Pages of tests in a real Chromium. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, NO_CHROMIUM } from '../../bench/chromium.js';

const SECONDS = 120;

/** Whether there is one; says so if not. */
export function hasChromium(what: string): boolean {
  const isHere = findChromium() !== null;
  if (!isHere) console.log(`skipped: ${what}; ${NO_CHROMIUM}`);
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
