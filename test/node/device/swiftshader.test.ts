import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findSwiftShader, unpackSwiftShader } from '../../../src/node/device/swiftshader.js';

const archive = (await findSwiftShader())!;
const test = suite<{ cache: string }>('swiftshader');
test.before.each(async (context) => {
  context.cache = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
});
test.after.each(({ cache }) => rm(cache, { recursive: true }));

/** Unpacks in a process of its own; resolves to the path of its loader, which that process saw in place. */
async function unpackElsewhere(cache: string): Promise<string> {
  const module = new URL('../../../src/node/device/swiftshader.js', import.meta.url).href;
  const script = `
    import { findSwiftShader, unpackSwiftShader } from ${JSON.stringify(module)};
    import { statSync } from 'node:fs';
    const { loader } = await unpackSwiftShader(await findSwiftShader(), ${JSON.stringify(cache)});
    console.log(loader, statSync(loader).size);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return stdout.trim();
}

test('the libraries are unpacked once into a folder named by the version', async ({ cache }) => {
  const { loader, manifest } = await unpackSwiftShader(archive, cache);
  assert.is(dirname(loader), join(cache, `swiftshader-${archive.version}`));
  assert.is((await stat(manifest)).isFile(), true);
  const { mtimeMs, size } = await stat(loader);
  assert.ok(size > 100_000);
  assert.equal(await unpackSwiftShader(archive, cache), { loader, manifest });
  assert.is((await stat(loader)).mtimeMs, mtimeMs);
  assert.equal(await readdir(cache), [`swiftshader-${archive.version}`]);
});

test('a truncated library and a missing list of sizes are repaired', async ({ cache }) => {
  const { loader } = await unpackSwiftShader(archive, cache);
  const { size } = await stat(loader);
  await truncate(loader, 1000);
  await unpackSwiftShader(archive, cache);
  assert.is((await stat(loader)).size, size);
  await rm(join(dirname(loader), 'sizes.json'));
  await unpackSwiftShader(archive, cache);
  assert.ok(existsSync(join(dirname(loader), 'sizes.json')));
  assert.equal(await readdir(cache), [`swiftshader-${archive.version}`]);
});

test('processes that unpack at the same time all succeed and leave one folder', async ({ cache }) => {
  const said = await Promise.all([unpackElsewhere(cache), unpackElsewhere(cache), unpackElsewhere(cache)]);
  assert.match(said[0]!, /libvulkan\.so\.1 \d{6}/);
  assert.equal(new Set(said).size, 1);
  assert.equal(await readdir(cache), [`swiftshader-${archive.version}`]);
});

test('where the cache cannot be written, a temporary folder serves until the process ends', async ({ cache }) => {
  const file = join(cache, 'file');
  await writeFile(file, '');
  const [loader, size] = (await unpackElsewhere(join(file, 'cache'))).split(' ');
  assert.ok(Number(size) > 100_000);
  assert.ok(loader!.startsWith(join(tmpdir(), 'dotbias-swiftshader-')));
  assert.not(existsSync(dirname(loader!)));
});

test('an archive without the libraries is refused and leaves nothing behind', async ({ cache }) => {
  const file = join(cache, 'empty.tar.br');
  await writeFile(file, Buffer.from('OwA=', 'base64')); // brotli of nothing
  let message = '';
  await unpackSwiftShader({ file, version: '0' }, join(cache, 'new')).catch((error: Error) => {
    message = error.message;
  });
  assert.match(message, /empty\.tar\.br has no libvulkan\.so\.1/);
  assert.not(existsSync(join(cache, 'new')));
});

if (archive === null) console.log('skipped: swiftshader needs linux-x64 and the npm package @sparticuz/chromium');
else test.run();
