import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError } from '../../../src/base/errors.js';
import { lockFolder } from '../../../src/node/disk/lock.js';
import { ownMark } from '../../../src/node/disk/process-mark.js';
import { assertRefused } from '../../helpers/refusal.js';

const test = suite<{ folder: string; lock: string }>('lock');
test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
  context.lock = join(context.folder, '.lock');
});
test.after.each(({ folder }) => rm(folder, { recursive: true }));

const holder = (changes: object) => JSON.stringify({ ...ownMark(), host: 'here', token: 'other', ...changes });

/** A process that locks a folder and says so. */
async function lockElsewhere(folder: string, signals = '') {
  const module = new URL('../../../src/node/disk/lock.js', import.meta.url).href;
  const script = `
    import { lockFolder } from ${JSON.stringify(module)};
    ${signals}
    await lockFolder(${JSON.stringify(folder)}).then(() => console.log('locked'), (error) => console.log(error.message));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: String(said) };
}

test('a folder is locked until it is given back, twice if need be', async ({ folder, lock }) => {
  const held = await lockFolder(folder);
  await held.check();
  await assertRefused(() => lockFolder(folder), new RegExp(`is in use by process ${process.pid} on .*delete .*lock\\.$`), DotbiasError);
  held.release();
  held.release();
  assert.equal(await readdir(folder), []);
  (await lockFolder(folder)).release();
  await writeFile(lock, 'x').then(() => rm(lock));
});

test('another process that runs is left alone; once it is killed, its lock is taken over', async ({ folder }) => {
  const { child, said } = await lockElsewhere(folder);
  assert.is(said, 'locked\n');
  await assertRefused(() => lockFolder(folder), new RegExp(`in use by process ${child.pid} on`), DotbiasError);
  child.kill('SIGKILL');
  await once(child, 'close');
  (await lockFolder(folder)).release();
});

test('a process that ends gives its lock back', async ({ folder }) => {
  const { child } = await lockElsewhere(folder, 'process.on("SIGTERM", () => process.exit());');
  child.kill('SIGTERM');
  await once(child, 'close');
  assert.equal(await readdir(folder), []);
});

test('of many that want a lock that was left, one gets it', async ({ folder, lock }) => {
  await writeFile(lock, holder({ pid: 2147483646 }));
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
  const got = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  assert.is(got.length, 1);
  await got[0].check();
  got[0].release();
  assert.equal(await readdir(folder), []);
});

test('whoever sees a lock sees whose it is', async ({ folder, lock }) => {
  const module = new URL('../../../src/node/disk/lock.js', import.meta.url).href;
  const script = `
    import { lockFolder } from ${JSON.stringify(module)};
    for (let i = 0; i < 300; i++) (await lockFolder(${JSON.stringify(folder)})).release();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  let nSeen = 0;
  while (child.exitCode === null) {
    const text = await readFile(lock, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    assert.is((JSON.parse(text) as { pid: number }).pid, child.pid);
    nSeen++;
  }
  assert.is(child.exitCode, 0);
  assert.ok(nSeen > 0);
  assert.equal(await readdir(folder), []);
});

test('what is no file is no lock: a folder, a link', async ({ folder, lock }) => {
  for (const make of [() => mkdir(lock), () => symlink('nothing', lock)]) {
    await make();
    await assertRefused(() => lockFolder(folder), /\.lock is not a file, so no lock: delete it\.$/, DotbiasError);
    await rm(lock, { recursive: true });
  }
});

test('a process number that was given again does not keep a lock', async ({ folder, lock }) => {
  if (process.platform !== 'linux') return console.log('skipped: only Linux tells when a process started');
  await writeFile(lock, holder({ start: 1 }));
  (await lockFolder(folder)).release();
});

test('a lock of another machine is watched: taken over without a sign of life, left alone with one', async ({ folder, lock }) => {
  const foreign = holder({ place: 'elsewhere', host: 'other\u001bhost' });
  await writeFile(lock, foreign);
  const told: string[] = [];
  (await lockFolder(folder, { patience: 60, onWait: (sentence) => told.push(sentence) })).release();
  assert.is(told.length, 1);
  assert.match(told[0], /is a lock of process \d+ on "other\\u001bhost": waiting 1 s for a sign of life\.$/);
  await writeFile(lock, foreign);
  const beat = setInterval(() => void utimes(lock, new Date(), new Date()), 10);
  await assertRefused(() => lockFolder(folder, { patience: 5000 }), /in use by process/, DotbiasError);
  clearInterval(beat);
  assert.is(await readFile(lock, 'utf8'), foreign);
});

test('a lock that says nothing is watched too', async ({ folder, lock }) => {
  for (const text of ['', '{', '[]', '{"pid":0}', holder({ pid: -1 }), holder({ host: 5 })]) {
    await writeFile(lock, text);
    const told: string[] = [];
    (await lockFolder(folder, { patience: 20, onWait: (sentence) => told.push(sentence) })).release();
    assert.match(told[0], /lock of an unknown process/);
  }
});

test('who lost a lock finds out, and does not remove that of another', async ({ folder, lock }) => {
  const held = await lockFolder(folder);
  await writeFile(lock, holder({}));
  await assertRefused(() => held.check(), /is no longer this run's: its \.lock was removed or taken over/, DotbiasError);
  held.release();
  assert.equal(await readdir(folder), ['.lock']);
});

test.run();
