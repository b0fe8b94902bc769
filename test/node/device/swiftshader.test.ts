import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findSwiftShader, unpackSwiftShader } from '../../../src/node/device/swiftshader.js';
import { ownMark } from '../../../src/node/disk/process-mark.js';

const archive = (await findSwiftShader())!;
const key =
  archive &&
  createHash('sha256')
    .update(await readFile(archive.file))
    .digest('hex');
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

test('the libraries are unpacked once into a folder of their owner alone, named by the hash of the archive', async ({ cache }) => {
  const { loader, manifest } = await unpackSwiftShader(archive, cache);
  assert.is(dirname(loader), join(cache, `swiftshader-${key}`));
  assert.is((await stat(dirname(loader))).mode & 0o777, 0o700);
  assert.is((await stat(manifest)).isFile(), true);
  const { mtimeMs, size } = await stat(loader);
  assert.ok(size > 100_000);
  assert.equal(await unpackSwiftShader(archive, cache), { loader, manifest });
  assert.is((await stat(loader)).mtimeMs, mtimeMs);
  assert.equal(await readdir(cache), [`swiftshader-${key}`]);
});

const damages: Record<string, (folder: string) => Promise<unknown>> = {
  'a truncated library': (folder) => truncate(join(folder, 'libvulkan.so.1'), 1000),
  'a library with one bit changed': async (folder) => {
    const path = join(folder, 'libvk_swiftshader.so');
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(path, bytes);
  },
  'another manifest of the same size': async (folder) => {
    const path = join(folder, 'vk_swiftshader_icd.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('libvk', 'libXX'));
  },
  'no list of hashes': (folder) => rm(join(folder, 'sha256.json')),
  'a list that is no list': (folder) => writeFile(join(folder, 'sha256.json'), '[1'),
  'a library that is a link': async (folder) => {
    await rename(join(folder, 'libvulkan.so.1'), join(folder, 'elsewhere'));
    await symlink('elsewhere', join(folder, 'libvulkan.so.1'));
  },
  'a folder that others may enter': (folder) => chmod(folder, 0o755),
  'a folder that is a link': async (folder) => {
    await rename(folder, `${folder}-elsewhere`);
    await symlink(`${folder}-elsewhere`, folder);
  },
  'a file in its place': async (folder) => {
    await rm(folder, { recursive: true });
    await writeFile(folder, '');
  },
};

for (const [what, damage] of Object.entries(damages)) {
  test(`replaced: ${what}`, async ({ cache }) => {
    const { loader } = await unpackSwiftShader(archive, cache);
    const [folder, content] = [dirname(loader), await readFile(loader)];
    await damage(folder);
    assert.is((await unpackSwiftShader(archive, cache)).loader, loader);
    assert.ok((await readFile(loader)).equals(content));
    const found = await lstat(folder);
    assert.equal([found.isDirectory(), found.mode & 0o777], [true, 0o700]);
    assert.equal(
      (await readdir(cache)).filter((name) => !name.endsWith('-elsewhere')),
      [`swiftshader-${key}`],
    );
  });
}

test('what another user planted is not loaded', async ({ cache }) => {
  if (process.getuid!() !== 0) return console.log('skipped: only root can make a file of another user');
  const { loader } = await unpackSwiftShader(archive, cache);
  await chown(dirname(loader), 12345, 12345);
  const again = await unpackSwiftShader(archive, cache);
  assert.is((await stat(dirname(again.loader))).uid, 0);
});

test('a cache that anyone may write to, or of another user, is not used', async ({ cache }) => {
  await chmod(cache, 0o777);
  const { loader } = await unpackSwiftShader(archive, cache);
  assert.not(loader.startsWith(cache));
  assert.equal(await readdir(cache), []);
  if (process.getuid!() !== 0) return;
  await chmod(cache, 0o755);
  await chown(cache, 12345, 12345);
  assert.not((await unpackSwiftShader(archive, cache)).loader.startsWith(cache));
});

test('an archive that is not the one of its version is refused', async ({ cache }) => {
  const file = join(cache, 'swiftshader.tar.br');
  await writeFile(file, Buffer.concat([await readFile(archive.file), Buffer.from('x')]));
  await unpackSwiftShader({ file, version: '147.0.0' }, cache).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /is not the file of @sparticuz\/chromium 147\.0\.0: install the package again/),
  );
});

test('processes that unpack at the same time all succeed and leave one folder', async ({ cache }) => {
  const said = await Promise.all([unpackElsewhere(cache), unpackElsewhere(cache), unpackElsewhere(cache)]);
  assert.match(said[0]!, /libvulkan\.so\.1 \d{6}/);
  assert.equal(new Set(said).size, 1);
  assert.equal(await readdir(cache), [`swiftshader-${key}`]);
});

test('what a killed process left beside libraries that are whole goes', async ({ cache }) => {
  await unpackElsewhere(cache);
  await mkdir(join(cache, `.dotbias-${ownMark().place}-2147483646-1-0.tmp`));
  await unpackSwiftShader(archive, cache);
  assert.equal(await readdir(cache), [`swiftshader-${key}`]);
});

test('where the cache cannot be written, a temporary folder serves until the process ends', async ({ cache }) => {
  const file = join(cache, 'file');
  await writeFile(file, '');
  const [loader, size] = (await unpackElsewhere(join(file, 'cache'))).split(' ');
  assert.ok(Number(size) > 100_000);
  assert.ok(loader!.startsWith(join(tmpdir(), '.dotbias-')));
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
