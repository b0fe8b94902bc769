import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SweepDir, type TrialRecord } from '../../../src/node/files/sweep-dir.js';

const test = suite('sweep-dir');

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'dotbias-sweep-'));
  try {
    await work(path);
  } finally {
    await rm(path, { recursive: true });
  }
}

const record = (id: string, mse: number): TrialRecord => ({
  id,
  version: '1',
  adapter: 'a',
  config: { lr: mse },
  mean: { mse, rmse: 1, mae: 1, r2: 0 },
  folds: [],
  seconds: 1,
});

test('a trial that is written is there, under its id, and comes back', () =>
  inFolder(async (path) => {
    const dir = new SweepDir(join(path, 'new'));
    assert.is(await dir.has('b'), false);
    await dir.write(record('b', 2));
    await dir.write(record('a', 1));
    await dir.write({ id: 'c', version: '1', adapter: 'a', config: {}, error: 'diverged' });
    for (const id of ['a', 'b', 'c']) assert.is(await dir.has(id), true);
    const { trials, unreadable } = await dir.list();
    assert.equal(
      trials.map(({ id }) => id),
      ['a', 'b', 'c'],
    );
    assert.equal(trials[1], record('b', 2));
    assert.equal(unreadable, []);
  }));

test('what cannot be read as a trial does not count as done, and is named', () =>
  inFolder(async (path) => {
    const dir = new SweepDir(path);
    const contents = {
      cut: '{"id":"cut","conf',
      empty: '',
      other: '{"a":1}',
      list: '[]',
      nothing: 'null',
      none: '{"id":"none","config":{},"mean":null}',
    };
    for (const [id, content] of Object.entries(contents)) await writeFile(join(path, `trial-${id}.json`), content);
    await writeFile(join(path, 'readme.json'), 'mine');
    await mkdir(join(path, 'trial-folder.json'));
    execFileSync('mkfifo', [join(path, 'trial-pipe.json')]);
    const ids = [...Object.keys(contents), 'folder', 'pipe'];
    for (const id of ids) assert.is(await dir.has(id), false, id);
    assert.equal(await dir.list(), {
      trials: [],
      unreadable: ids.sort().map((id) => `trial-${id}.json`),
    });
  }));

test.run();
