import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile, execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { writeFileAtomic } from '../../../src/node/disk/files.js';
import { temporaryPath } from '../../../src/node/disk/leftovers.js';
import { assertRefused } from '../../helpers/refusal.js';

const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
test.after(() => rm(folder, { recursive: true }));

test('writes bytes and text, makes folders, replaces what was there, leaves nothing else', async () => {
  const path = join(folder, 'a', 'b', 'model.bin');
  await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
  assert.equal([...(await readFile(path))], [1, 2, 3]);
  await writeFileAtomic(path, 'né');
  assert.is(await readFile(path, 'utf8'), 'né');
  assert.equal(await readdir(join(folder, 'a', 'b')), ['model.bin']);
});

test('writers at once: the file is one of theirs, whole', async () => {
  const path = join(folder, 'race');
  const contents = Array.from({ length: 8 }, (_, k) => String(k).repeat(200_000));
  await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
  assert.ok(contents.includes(await readFile(path, 'utf8')));
});

test('on failure the old state stays and no temporary file is left', async () => {
  await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
  await assertRefused(() => writeFileAtomic(join(folder, 'taken'), 'x'), /taken is a folder; name a file to write\.$/);
  await writeFile(join(folder, 'file'), 'old');
  await assertRefused(() => writeFileAtomic(join(folder, 'file', 'x'), 'x'), /file.x cannot be written: .*file is not a folder\.$/);
  assert.is(await readFile(join(folder, 'file'), 'utf8'), 'old');
  assert.not((await readdir(folder)).some((name) => name.endsWith('.tmp')));
});

test('names of folders, the empty name and one with a zero byte are refused', async () => {
  for (const path of [folder, `${folder}/`, `${folder}/new/`, '.', '..', `${folder}/.`, `${folder}/..`, '', 'a\0b']) {
    await assertRefused(() => writeFileAtomic(path, 'x'), /folder; name a file|is empty|zero byte/);
  }
});

test('a link stays a link, and its target is written, whether it is there already or not', async () => {
  await mkdir(join(folder, 'links', 'there'), { recursive: true });
  const at = (...names: string[]) => join(folder, 'links', ...names);
  await writeFile(at('there', 'old'), 'old');
  await symlink(at('there'), at('folder'));
  await symlink(join('there', 'old'), at('to-old'));
  await symlink(at('there', 'new'), at('to-new'));
  await symlink('to-new', at('to-to-new'));
  await symlink(join('folder', '..', 'up'), at('through-folder'));
  for (const [name, target] of [
    ['to-old', at('there', 'old')],
    ['to-to-new', at('there', 'new')],
    ['folder/direct', at('there', 'direct')],
    ['through-folder', at('up')],
  ] as const) {
    await writeFileAtomic(at(name), name);
    assert.is(await readFile(target, 'utf8'), name);
  }
  for (const name of ['to-old', 'to-new', 'to-to-new', 'through-folder', 'folder']) assert.ok((await lstat(at(name))).isSymbolicLink());
  await symlink('circle', at('circle'));
  await assertRefused(() => writeFileAtomic(at('circle'), 'x'), /too many links/);
  await symlink('nowhere', at('dangling'));
  await assertRefused(() => writeFileAtomic(at('dangling', 'x'), 'x'), /dangling is a link to a folder that does not exist\.$/);
});

test('a file keeps its permissions; a new one has those asked for', async () => {
  const path = join(folder, 'secret');
  const modeOf = async () => (await stat(path)).mode & 0o7777;
  await writeFileAtomic(path, '1', { mode: 0o600 });
  assert.is(await modeOf(), 0o600);
  for (const mode of [0o640, 0o755, 0o606]) {
    await chmod(path, mode);
    await writeFileAtomic(path, '2', { mode: 0o600 });
    assert.is(await modeOf(), mode);
  }
});

test('a FIFO is written to, even if its reader comes later', async () => {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  const text = 'x'.repeat(300_000); // more than a pipe holds
  const written = writeFileAtomic(path, text);
  const { stdout } = await promisify(execFile)('cat', [path], { maxBuffer: 1e6 });
  await written;
  assert.is(stdout, text);
  assert.ok((await lstat(path)).isFIFO());
});

test('a device and a socket are written to', async () => {
  await writeFileAtomic('/dev/null', 'x');
  assert.ok((await stat('/dev/null')).isCharacterDevice());
  await assertFails(() => writeFileAtomic('/dev/full', 'x'), 'ENOSPC', '/dev/full');
  const path = join(folder, 'socket');
  const received = new Promise<string>((resolve) => {
    let text = '';
    const server = createServer((socket) =>
      socket.on('data', (part) => (text += String(part))).on('end', () => void (server.close(), resolve(text))),
    );
    server.listen(path, () => void writeFileAtomic(path, 'through the socket'));
  });
  assert.is(await received, 'through the socket');
});

test('standard output is written to by the name of its device, as it was opened', async () => {
  const script = `
    import { writeFileAtomic } from ${JSON.stringify(new URL('../../../src/node/disk/files.js', import.meta.url).href)};
    console.log('before');
    await writeFileAtomic(process.argv[1], 'written\\n');
    console.log('after');`;
  const log = join(folder, 'log');
  await symlink('/dev/stdout', join(folder, 'out'));
  for (const path of ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1', join(folder, 'out')]) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, path]);
    assert.is(stdout, 'before\nwritten\nafter\n');
    const fd = openSync(log, 'a');
    execFileSync(process.execPath, ['--input-type=module', '-e', script, path], { stdio: ['ignore', fd, 'inherit'] });
    closeSync(fd);
  }
  assert.is(await readFile(log, 'utf8'), 'before\nwritten\nafter\n'.repeat(4));
  await assertFails(() => writeFileAtomic('/dev/fd/987', 'x'), 'EBADF', '/dev/fd/987');
});

test('what a process that ended left is removed, what a running one writes is not', async () => {
  const place = join(folder, 'left');
  await mkdir(place);
  const own = basename(temporaryPath(place));
  const ended = own.replace(/-\d+-\d+-/, '-2147483646-1-');
  const reused = own.replace(/-(\d+)-\d+-/, '-$1-1-'); // our number, but another start
  const elsewhere = own.replace(/^\.dotbias-\w{8}/, '.dotbias-00000000');
  const [old, another] = ['result', 'another'].map((name) => `.${name}.01234567-0123-0123-0123-0123456789ab.tmp`);
  const names = [own, ended, reused, elsewhere, `${elsewhere.slice(0, -16)}0123456789ab.tmp`, old, another, 'other.tmp'];
  for (const name of names) await writeFile(join(place, name), 'x');
  for (const name of [names[4], old, another]) await utimes(join(place, name), 1, 1);
  await writeFileAtomic(join(place, 'result'), 'x');
  const stays = process.platform === 'linux' ? [] : [reused];
  assert.equal((await readdir(place)).sort(), [own, elsewhere, another, 'other.tmp', 'result', ...stays].sort());
});

test('a process that ends while it writes leaves nothing', async () => {
  const place = join(folder, 'exits');
  const script = `
    import { writeFileAtomic } from ${JSON.stringify(new URL('../../../src/node/disk/files.js', import.meta.url).href)};
    import { readdirSync } from 'node:fs';
    void writeFileAtomic(process.argv[1] + '/big', Buffer.alloc(1 << 28));
    setInterval(() => { try { if (readdirSync(process.argv[1]).length > 0) process.exit(); } catch {} }, 1);`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, place]);
  assert.equal(
    (await readdir(place)).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('errors name the file that was asked for', async () => {
  await assertFails(() => writeFileAtomic(join(folder, 'x'.repeat(256)), 'x'), 'ENAMETOOLONG', join(folder, 'x'.repeat(256)));
  await writeFileAtomic(join(folder, 'x'.repeat(255)), 'x');
  if (process.platform === 'linux') await assertFails(() => writeFileAtomic('/proc/none/x', 'x'), 'ENOENT', '/proc/none/x');
});

async function assertFails(work: () => Promise<unknown>, code: string, path: string): Promise<void> {
  await work().then(
    () => assert.unreachable('no error'),
    (error: NodeJS.ErrnoException) => {
      assert.equal([error.code, error.path], [code, path]);
      assert.ok(error.message.includes(`'${path}'`), error.message);
    },
  );
}

test.run();
