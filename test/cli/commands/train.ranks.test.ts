/** `dotbias train` on several ranks. Skipped where there is no MPI. */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { setTimeout } from 'node:timers/promises';
import { readModelFile } from '../../../src/node/files/model-file.js';
import { prepareRatings } from '../../../src/node/ratings/prepare.js';
import { dotbias, temporaryFolder, writeRatings } from '../../helpers/cli.js';
import { type Kind, ranks, whyNoRanks } from '../../helpers/mpi.js';

const test = suite('train on ranks');
const ratings = join(temporaryFolder(), 'ratings.csv');
writeRatings(ratings);
const TRAIN = ['train', '--data', ratings, '--batch-size', '16', '--factors', '8', '--quiet'];

/** One process, as a job. */
async function alone(...args: string[]) {
  const { code, stdout, stderr } = await dotbias(...args);
  return { code, output: stdout + stderr };
}

for (const [kind, sizes] of [
  ['openmpi', [4]],
  ['mpich', [2]],
] as [Kind, number[]][]) {
  const reason = whyNoRanks(kind);
  if (reason) {
    console.log(`skipped: training on ranks of ${kind}: ${reason}`);
    continue;
  }

  test(`${kind}: ranks save the file of one process in as many strata, byte for byte`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
    const whole = join(folder, 'whole.safetensors');
    assert.is((await dotbias(...TRAIN, '--epochs', '1', '--strata', '8', '--out', whole)).code, 0);
    for (const size of sizes) {
      const out = join(folder, `${size}.safetensors`);
      const { code, output } = await ranks(kind, size, ['src/cli/main.js', ...TRAIN, '--epochs', '1', '--out', out]);
      assert.is(code, 0, output);
      assert.ok((await readFile(out)).equals(await readFile(whole)), `${size} ranks`);
    }
    await rm(folder, { recursive: true });
  });

  if (kind === 'mpich') continue;
  test(`${kind}: what ranks cannot do together is refused before work`, async () => {
    for (const [args, message] of [
      [['--keep-best'], /--keep-best needs the whole model, and each rank has a part/],
      [['--strata', '7'], /--strata must be a multiple of the 2 ranks, and 7 is none: give --strata 8\./],
    ] as const) {
      const { code, output } = await ranks(kind, 2, ['src/cli/main.js', ...TRAIN, ...args]);
      assert.is.not(code, 0);
      assert.match(output, message);
    }
  });

  test(`${kind}: ranks read each their part of prepared ratings, and save one file or their blocks: the model of one process`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
    const [prep, one, file, several] = ['prep', 'one', 'file', 'several/'].map((name) => join(folder, name));
    await prepareRatings(ratings, prep, { strata: 4, validPct: 0.1 });
    const run = [...TRAIN, '--data', prep, '--epochs', '1', '--unknown-user', 'na'];
    assert.is((await dotbias(...run, '--strata', '4', '--out', one)).code, 0);
    const start = (...more: string[]) => ranks(kind, 2, ['src/cli/main.js', ...run, ...more]);
    for (const out of [file, several]) {
      const { code, output } = await start('--out', out);
      assert.is(code, 0, output);
    }
    assert.ok((await readFile(file)).equals(await readFile(one)));
    const [alike, model] = [await readModelFile(several), await readModelFile(one)];
    assert.equal([alike.tables, alike.users.ids, alike.items.ids], [model.tables, model.users.ids, model.items.ids]);
    assert.is(alike.train!.ratings.length, model.train!.ratings.length);
    const { code, output } = await start('--strata', '2');
    assert.is.not(code, 0);
    assert.match(output, /--strata 2 comes too late: .* was prepared with 4\. Leave it out, or prepare again\./);
    await rm(folder, { recursive: true });
  });

  test(`${kind}: a job whose rank is killed goes on from its last checkpoint on fewer ranks or one, to the same model`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
    const dir = join(folder, 'run');
    const run = [...TRAIN, '--epochs', '16', '--strata', '4', '--passes', '1'];
    const start = (size: number, ...more: string[]) => ranks(kind, size, ['src/cli/main.js', ...run, ...more]);
    const whole = join(folder, 'whole');
    assert.is((await dotbias(...run, '--out', whole)).code, 0);

    const job = start(4, '--checkpoint-dir', dir);
    let isOver = false;
    void job.finally(() => (isOver = true)).catch(() => undefined);
    while (!isOver && !(await readdir(dir).catch((): string[] => [])).includes('epoch-0003')) await setTimeout(10);
    const { pid } = JSON.parse(await readFile(join(dir, '.lock'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    const killed = await job;
    assert.is.not(killed.code, 0, killed.output);

    for (const size of [2, 1]) {
      const [copy, out] = [join(folder, `run${size}`), join(folder, `model${size}`)];
      await cp(dir, copy, { recursive: true });
      const more = ['--checkpoint-dir', copy, '--resume', '--out', out];
      const { code, output } = size > 1 ? await start(size, ...more) : await alone(...run, ...more);
      assert.is(code, 0, output);
      assert.match(output, /Going on after \d+ epochs, from .*epoch-00\d\d/);
      assert.ok((await readFile(out)).equals(await readFile(whole)), `${size} ranks`);
    }
    await rm(folder, { recursive: true });
  });
}

test.run();
