import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError, FileFormatError } from '../../../src/base/errors.js';
import { writeSafetensors } from '../../../src/base/safetensors.js';
import {
  beginEpoch,
  commitEpoch,
  completeEpochs,
  leaveToken,
  readBlock,
  readEpoch,
  removeToken,
  seeToken,
  writeBlock,
} from '../../../src/node/files/checkpoint-blocks.js';
import { CheckpointDir } from '../../../src/node/files/checkpoint-dir.js';

const test = suite('node/checkpoint-blocks');

const S = 3;
const shape = [3, 4, 8] as const;
const valuesOf = (epoch: number, side: string, block: number) =>
  Float32Array.from({ length: 96 }, (_, k) => 1000 * epoch + 100 * block + k + (side === 'users' ? 0.5 : 0));
const restOf = (epoch: number) => writeSafetensors({ epoch: { dtype: 'F64', shape: [], data: Float64Array.of(epoch) } });

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'dotbias-blocks-'));
  try {
    await work(path);
  } finally {
    await rm(path, { recursive: true });
  }
}

async function writeBlocks(dir: string, epoch: number) {
  const sides = { users: [], items: [] } as Record<'users' | 'items', Awaited<ReturnType<typeof writeBlock>>[]>;
  for (const side of ['users', 'items'] as const) {
    for (let b = 0; b < S; b++) sides[side].push(await writeBlock(dir, epoch, side, b, valuesOf(epoch, side, b), shape));
  }
  return { epoch, nArrays: 3, rowStride: 8, ...sides };
}

async function writeEpoch(dir: string, epoch: number, keepLast?: number): Promise<void> {
  await beginEpoch(dir, epoch);
  await commitEpoch(dir, await writeBlocks(dir, epoch), restOf(epoch), keepLast);
}

/** An epoch, once all that it holds was compared with what was written. */
async function readAll(dir: string, epoch: number): Promise<void> {
  const { index, rest } = await readEpoch(dir, epoch);
  assert.equal(new Uint8Array(rest), restOf(epoch));
  for (const side of ['users', 'items'] as const) {
    for (let b = 0; b < S; b++) assert.equal(await readBlock(dir, index, side, b), valuesOf(epoch, side, b));
  }
}

/** The newest epoch that is complete, all of it read. */
async function wholeEpoch(dir: string): Promise<number | undefined> {
  const newest = (await completeEpochs(dir)).at(-1);
  if (newest !== undefined) await readAll(dir, newest);
  return newest;
}

test('an epoch comes back whole, and the newest two are kept', () =>
  inFolder(async (path) => {
    const dir = join(path, 'run');
    assert.is(await wholeEpoch(dir), undefined);
    for (let epoch = 1; epoch <= 4; epoch++) await writeEpoch(dir, epoch);
    assert.is(await wholeEpoch(dir), 4);
    assert.equal(await completeEpochs(dir), [3, 4]);
    await writeEpoch(dir, 5, 1);
    assert.equal((await readdir(dir)).sort(), ['epoch-0005']);
    const names = ['index.json', 'items-00.safetensors', 'items-01.safetensors', 'items-02.safetensors'];
    names.push('rest.safetensors', 'users-00.safetensors', 'users-01.safetensors', 'users-02.safetensors');
    assert.equal((await readdir(join(dir, 'epoch-0005'))).sort(), names);
  }));

test('an epoch without an index does not exist, and goes when the next one is complete', () =>
  inFolder(async (dir) => {
    await writeEpoch(dir, 1);
    await beginEpoch(dir, 2);
    await writeBlocks(dir, 2);
    assert.is(await wholeEpoch(dir), 1);
    assert.equal(await new CheckpointDir(dir).epochs(), [1]);
    await writeFile(join(dir, 'notes.txt'), 'mine');
    await mkdir(join(dir, 'epoch-12'));
    await mkdir(join(dir, 'epoch-x'));
    await writeEpoch(dir, 3);
    assert.equal((await readdir(dir)).sort(), ['epoch-0003', 'epoch-12', 'epoch-x', 'notes.txt']);
  }));

test('a run does not begin in a folder with epochs of another', () =>
  inFolder(async (dir) => {
    await writeEpoch(dir, 2);
    const begun = await new CheckpointDir(dir).begin().then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.instance(begun, FileFormatError);
    assert.match((begun as Error).message, /after 2 epochs/);
  }));

test('an epoch that is written again has nothing of the time before', () =>
  inFolder(async (dir) => {
    await writeEpoch(dir, 1);
    await writeEpoch(dir, 2);
    await beginEpoch(dir, 2);
    assert.is(await wholeEpoch(dir), 1);
    assert.equal(await readdir(join(dir, 'epoch-0002')), []);
    await commitEpoch(dir, await writeBlocks(dir, 2), restOf(2));
    assert.is(await wholeEpoch(dir), 2);
  }));

test('an epoch is not completed while a block is missing', () =>
  inFolder(async (dir) => {
    await beginEpoch(dir, 1);
    const index = await writeBlocks(dir, 1);
    await rm(join(dir, 'epoch-0001', 'items-02.safetensors'));
    const error = await commitEpoch(dir, index, restOf(1)).catch((each: unknown) => each);
    assert.instance(error, DotbiasError);
    assert.match((error as Error).message, /items-02.safetensors is not there as it was written: .* that all machines share/);
    assert.is(await wholeEpoch(dir), undefined);
  }));

test('no block is written for an epoch that was not begun', () =>
  inFolder(async (dir) => {
    const error = await writeBlock(dir, 1, 'users', 0, valuesOf(1, 'users', 0), shape).catch((each: unknown) => each);
    assert.is((error as NodeJS.ErrnoException).code, 'ENOENT');
    assert.equal(await readdir(dir), []);
  }));

test('damage is told by the name of the file', () =>
  inFolder(async (dir) => {
    await writeEpoch(dir, 1, 9);
    const damages: [file: string, damage: (path: string) => Promise<unknown>, note: RegExp][] = [
      ['users-01.safetensors', (path) => rm(path), /users-01.safetensors: There is no such file/],
      ['items-00.safetensors', (path) => truncate(path, 100), /takes 384 bytes and a header, but the file has 100/],
      ['items-00.safetensors', (path) => truncate(path, 2 ** 40), /but the file has 1099511627776/],
      ['rest.safetensors', async (path) => writeFile(path, restOf(7)), /does not fit the checksum/],
      ['rest.safetensors', (path) => rm(path), /no such file/],
      ['index.json', (path) => writeFile(path, '{"format":"dotbias checkpoint blocks 1"}'), /epoch undefined/],
      ['index.json', (path) => truncate(path, 2 ** 40), /too long/],
      ['index.json', async (path) => writeFile(path, await readFile(join(dir, 'epoch-0001', 'index.json'))), /index of epoch 1, not 2/],
      ['users-00.safetensors', async (path) => [await rm(path), await symlink('/dev/zero', path)], /not a regular file/],
    ];
    for (const [file, damage, note] of damages) {
      await writeEpoch(dir, 2, 9);
      await damage(join(dir, 'epoch-0002', file));
      const error = await readAll(dir, 2).catch((each: unknown) => each);
      assert.instance(error, DotbiasError, file);
      assert.match((error as Error).message, note);
    }
    const path = join(dir, 'epoch-0001', 'users-00.safetensors');
    const bytes = await readFile(path);
    bytes[bytes.length - 2] ^= 1;
    await writeFile(path, bytes);
    const error = await readBlock(dir, (await readEpoch(dir, 1)).index, 'users', 0).catch((each: unknown) => each);
    assert.instance(error, FileFormatError);
    assert.match((error as Error).message, /users-00.safetensors: .*does not fit the checksum in the index/);
  }));

test('a process killed at any moment leaves the newest complete epoch', () =>
  inFolder(async (dir) => {
    const url = new URL('../../../src/node/files/checkpoint-blocks.js', import.meta.url).href;
    const program = `
      import { beginEpoch, commitEpoch, completeEpochs, writeBlock } from ${JSON.stringify(url)};
      import { writeSafetensors } from ${JSON.stringify(new URL('../../../src/base/safetensors.js', import.meta.url).href)};
      const dir = ${JSON.stringify(dir)}, S = ${S}, shape = ${JSON.stringify(shape)};
      const valuesOf = ${String(valuesOf)}, restOf = ${String(restOf)};
      for (let epoch = (await completeEpochs(dir)).at(-1) + 1; ; epoch++) {
        await beginEpoch(dir, epoch);
        console.log('begun ' + epoch);
        const sides = { users: [], items: [] };
        for (const side of ['users', 'items']) for (let b = 0; b < S; b++) {
          sides[side].push(await writeBlock(dir, epoch, side, b, valuesOf(epoch, side, b), shape));
          console.log('block ' + epoch);
        }
        console.log('written ' + epoch);
        await commitEpoch(dir, { epoch, nArrays: 3, rowStride: 8, ...sides }, restOf(epoch));
        console.log('committed ' + epoch);
      }`;
    await writeEpoch(dir, 1);
    for (const moment of ['begun', 'block', 'written', 'committed']) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      let committed = 0;
      let heard = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        const [what, epoch] = line.split(' ');
        if (what === 'committed') committed = Number(epoch);
        if (what === moment && ++heard === 3) child.kill('SIGKILL');
      }
      await ended;
      assert.ok(heard >= 3);
      const whole = await wholeEpoch(dir);
      // What was begun meanwhile may have been completed before the signal came.
      assert.ok(whole !== undefined && whole >= committed, `${moment}: ${whole} after ${committed}`);
    }
    await writeEpoch(dir, (await wholeEpoch(dir))! + 1);
    assert.is((await readdir(dir)).length, 2, 'nothing but the two newest is left');
  }));

test('another process sees the token in a folder that it shares, and says so where it does not', () =>
  inFolder(async (path) => {
    const dir = join(path, 'run');
    const lost = await leaveToken(dir);
    const token = await leaveToken(dir);
    assert.equal(await readdir(dir), [`.token-${token}`], `${lost} is gone`);
    await seeToken(dir, token);
    const error = await seeToken(path, token, 50).catch((each: unknown) => each);
    assert.instance(error, DotbiasError);
    assert.is((error as Error).message, `${path} is not the folder that rank 0 has by this name: name one that all machines share.`);
    assert.instance(await seeToken(dir, '../x').catch((each: unknown) => each), RangeError);
    await removeToken(dir, token);
    assert.equal(await readdir(dir), []);
  }));

test.run();
