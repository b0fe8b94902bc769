import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from '../../../src/node/disk/cache.js';

const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
const names = ['DOTBIAS_CACHE_DIR', 'XDG_CACHE_HOME', 'HOME'] as const;
const kept = names.map((name) => process.env[name]);

function setEnv(values: Partial<Record<(typeof names)[number], string>>): void {
  for (const name of names) {
    if (values[name] === undefined) delete process.env[name];
    else process.env[name] = values[name];
  }
}

test.after(async () => {
  setEnv(Object.fromEntries(names.map((name, k) => [name, kept[k]])));
  await rm(folder, { recursive: true });
});

test('DOTBIAS_CACHE_DIR comes before XDG_CACHE_HOME, which comes before the home folder; empty ones do not count', () => {
  setEnv({ DOTBIAS_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b', HOME: folder });
  assert.is(cacheDir(), '/a');
  setEnv({ DOTBIAS_CACHE_DIR: '', XDG_CACHE_HOME: '/b', HOME: folder });
  assert.is(cacheDir(), join('/b', 'dotbias'));
  setEnv({ XDG_CACHE_HOME: '', HOME: folder });
  assert.is(cacheDir(), join(folder, '.cache', 'dotbias'));
});

test('without a home folder that can be written to, it is a folder in the temporary directory', async () => {
  setEnv({ HOME: '' });
  const fallback = cacheDir();
  assert.ok(fallback.startsWith(join(tmpdir(), 'dotbias-cache-')), fallback);
  const file = join(folder, 'file');
  await writeFile(file, '');
  setEnv({ HOME: file });
  assert.is(cacheDir(), fallback);
});

test('a home folder without permission to write counts as none', async () => {
  if (process.getuid?.() === 0) return console.log('skipped: root may write anywhere');
  const locked = join(folder, 'locked');
  await mkdir(locked);
  await chmod(locked, 0o500);
  setEnv({ HOME: locked });
  assert.ok(cacheDir().startsWith(tmpdir()));
});

test.run();
