import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError, FileFormatError } from '../../../src/base/errors.js';
import { readBytes, readTextFile } from '../../../src/node/disk/read-file.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { assertRefused } from '../../helpers/refusal.js';

const folder = temporaryFolder();
const path = (name: string) => join(folder, name);
writeFileSync(path('a'), 'Zwei 二');
mkdirSync(path('folder'));
execFileSync('mkfifo', [path('fifo')]);

test('a file is read whole, as bytes or as text', async () => {
  assert.is(new TextDecoder().decode(await readBytes(path('a'), 'Try b.')), 'Zwei 二');
  assert.is(await readTextFile(path('a')), 'Zwei 二');
  writeFileSync(path('long'), 'x'.repeat(3 * 2 ** 20 + 7));
  assert.is((await readTextFile(path('long'))).length, 3 * 2 ** 20 + 7);
});

test('what is inspected first is the beginning and the length, and what it throws is thrown', async () => {
  const seen: unknown[] = [];
  await readBytes(path('a'), 'Try b.', async (head, nBytes) => void seen.push([...(await head(2))], nBytes));
  assert.equal(seen, [[0x5a, 0x77], 8]);
  const wrong = new FileFormatError('No.');
  await assertRefused(() => readBytes(path('a'), 'Try b.', () => Promise.reject(wrong)), /^No\.$/, FileFormatError);
  await assertRefused(() => readBytes(path('a'), 'Try b.', async (head) => void (await head(9))), /became shorter/, FileFormatError);
});

test('a folder, a pipe that nobody writes to and a device that never ends are refused at once', async () => {
  await assertRefused(() => readBytes(path('folder'), 'Try b.'), /folder: This is a folder, not a file\.$/, FileFormatError);
  for (const each of [path('fifo'), '/dev/zero']) {
    await assertRefused(() => readBytes(each, 'Try b.'), /: This is not a regular file: a device, a pipe or a socket/, FileFormatError);
  }
});

test('a file that is not there is refused with what to do', async () => {
  for (const name of ['b', 'a/b']) {
    await assertRefused(() => readBytes(path(name), 'Try c.'), /: There is no such file\. Try c\.$/, DotbiasError);
  }
});

test('a text ends somewhere', async () => {
  await assertRefused(() => readTextFile('/dev/zero'), /^\/dev\/zero: This is too long: at most 268435456 bytes/, DotbiasError);
});

test.run();
