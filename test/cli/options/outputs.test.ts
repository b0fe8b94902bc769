import { execFileSync } from 'node:child_process';
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkFiles, type CommandFiles } from '../../../src/cli/options/outputs.js';
import { UsageError } from '../../../src/cli/process/errors.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { assertRefused } from '../../helpers/refusal.js';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
await mkdir(at('sub'));
await writeFile(at('data.csv'), 'data');
await writeFile(at('old'), 'old');
await link(at('data.csv'), at('hard.csv'));
await symlink('data.csv', at('soft.csv'));
await symlink('sub', at('folder'));
await symlink('../data.csv', at('sub', 'up.csv'));
await symlink('new', at('dangling'));
execFileSync('mkfifo', [at('fifo')]);
await mkdir(at('run'));
await symlink('../old', at('run', 'epoch-0001.safetensors'));

const SAME = /^--out .* is the same file as --data .*; name another file to write\.$/;
const names = {
  itself: at('data.csv'),
  'a relative path': relative(process.cwd(), at('data.csv')),
  'a path with dots': `${folder}/sub/../data.csv`,
  'a hard link': at('hard.csv'),
  'a link': at('soft.csv'),
  'a link behind a link': at('folder', 'up.csv'),
};
for (const [what, path] of Object.entries(names)) {
  test(`an output that is an input by ${what} is refused`, () =>
    assertRefused(() => checkFiles({ reads: { '--data': [at('old'), at('data.csv')] }, writes: { '--out': path } }), SAME, UsageError));
}

const refusals: [what: string, files: CommandFiles, message: RegExp][] = [
  ['two outputs of one name', { writes: { '--out': at('new'), '--report': at('new') } }, /^--report .* same file as --out /],
  ['two by way of a linked folder', { writes: { '--out': at('sub', 'm'), '--report': at('folder', 'm') } }, /same file as/],
  ['two by way of a link to what is not there yet', { writes: { '--out': at('new'), '--report': at('dangling') } }, /same file as/],
  ['two of a list', { writes: { '--plots': [at('p', 'a'), at('p', 'b')], '--report': at('p', 'b') } }, /same file as/],
  ['a file where a folder must be', { writes: { '--out': at('a'), '--report': at('a', 'b') } }, /--out .* would be a file where --report /],
  ['the same the other way round', { writes: { '--out': at('a', 'b'), '--report': at('a') } }, /--report .* would be a file where --out /],
  ['a file in place of the checkpoints', { writes: { '--out': at('c') }, checkpointDir: at('c') }, /same file as --checkpoint-dir/],
  ['the name of a checkpoint', { writes: { '--out': at('c', 'epoch-12.safetensors') }, checkpointDir: at('c') }, /name of a checkpoint/],
  ['a checkpoint that leads to an input', { reads: { '--data': at('old') }, checkpointDir: at('run') }, /--checkpoint-dir .* same file as/],
  ['a pipe that is read and written', { reads: { '--data': at('fifo') }, writes: { '--out': at('fifo') } }, /same file as/],
  ['an empty name', { writes: { '--out': '' } }, /^--out is given an empty name\.$/],
  ['an empty folder', { checkpointDir: '' }, /^--checkpoint-dir is given an empty name\.$/],
];
for (const [what, files, message] of refusals) test(`refused: ${what}`, () => assertRefused(() => checkFiles(files), message, UsageError));

test('a folder of checkpoints may hold anything else; one that cannot be is named as it was given', async () => {
  await mkdir(at('full', 'file'), { recursive: true });
  await symlink('../data.csv', at('full', 'checkpoint'));
  await checkFiles({ reads: { '--data': at('data.csv') }, writes: { '--out': at('full', 'm') }, checkpointDir: at('full') });
  await assertRefused(
    () => checkFiles({ checkpointDir: at('old') }),
    new RegExp(`^${at('old')} cannot be written: .* is not a folder\\.$`),
  );
});

test('what is another file, or can be written more than once, is taken; nothing is touched', async () => {
  const before = await readdir(folder, { recursive: true });
  await checkFiles({
    reads: { '--data': [at('data.csv'), at('none'), '-'] },
    writes: { '--out': at('c', 'model'), '--report': at('c', 'epoch'), '--history': '/dev/null', '--plots': ['/dev/null', at('p', 'x')] },
    checkpointDir: at('c'),
  });
  assert.equal(await readdir(folder, { recursive: true }), before);
  assert.is(await readFile(at('data.csv'), 'utf8'), 'data');
});

test.run();
