import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../src/node/disk/files.js';

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
  await writeFileAtomic(join(folder, 'taken'), 'x').then(
    () => assert.unreachable(),
    (error) => assert.match(error.code, /EISDIR|ENOTEMPTY|EEXIST|EPERM/),
  );
  assert.not((await readdir(folder)).some((name) => name.endsWith('.tmp')));
});

test.run();
