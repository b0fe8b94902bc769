import { collabLearner } from '../../../src/train/make-learner.js';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../../src/data/collab-data.js';
import { FileFormatError } from '../../../src/base/errors.js';
import { CheckpointDir } from '../../../src/node/files/checkpoint-dir.js';
import { plantedRatings } from '../../../src/data/planted.js';
import { sharedGpu } from '../../helpers/gpu.js';

const test = suite('checkpoint-dir');

const { columns } = plantedRatings({ nUsers: 40, nItems: 50, nRatings: 600 });
const learner = async () => collabLearner(CollabData.fromArrays(columns, { batchSize: 16 }), { nFactors: 4, gpu: await sharedGpu() });

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'dotbias-checkpoints-'));
  try {
    await work(path);
  } finally {
    await rm(path, { recursive: true });
  }
}

const train = async (folder: CheckpointDir, epochs = 4) => {
  const learn = await learner();
  const { checkpoint, notes } = await folder.newest();
  await learn.fitOneCycle(epochs, 0.02, { checkpoint: folder.save, resume: checkpoint });
  const tables = await learn.tables();
  learn.release();
  await folder.release();
  return { tables, notes, from: checkpoint?.progress.epochs };
};

test('the last checkpoints are kept, older ones and no others deleted', () =>
  inFolder(async (path) => {
    await writeFile(join(path, 'notes.txt'), 'mine');
    await train(new CheckpointDir(path));
    assert.equal((await readdir(path)).sort(), ['epoch-0003.safetensors', 'epoch-0004.safetensors', 'notes.txt']);
    await rm(join(path, 'epoch-0004.safetensors'));
    await writeFile(join(path, '.epoch-0004.safetensors.1234.tmp'), 'half');
    await train(new CheckpointDir(path, { keepLast: 1 }));
    assert.equal((await readdir(path)).sort(), ['epoch-0004.safetensors', 'notes.txt']);
  }));

test('a damaged or truncated newest file is passed over, with a note, and the run ends as if nothing had been', () =>
  inFolder(async (path) => {
    const folder = new CheckpointDir(path, { keepLast: 4 });
    const { tables } = await train(folder);
    const last = join(path, 'epoch-0004.safetensors');
    const bytes = await readFile(last);
    await writeFile(last, bytes.subarray(0, bytes.length - 10));
    const third = join(path, 'epoch-0003.safetensors');
    const damaged = await readFile(third);
    damaged[damaged.length - 5] ^= 4;
    await writeFile(third, damaged);
    const resumed = await train(folder);
    assert.is(resumed.from, 2);
    assert.match(resumed.notes[0], /epoch-0004.safetensors cannot be used: .*truncated/);
    assert.match(resumed.notes[1], /epoch-0003.safetensors cannot be used: .*checksum/);
    assert.equal(resumed.tables, tables);
  }));

test('a folder that does not exist or has no checkpoint has nothing to resume', () =>
  inFolder(async (path) => {
    for (const folder of [new CheckpointDir(path), new CheckpointDir(join(path, 'not', 'yet'))]) {
      assert.equal(await folder.newest(), { checkpoint: undefined, file: undefined, notes: [] });
    }
  }));

test("a run that begins does not touch an earlier run's checkpoints", () =>
  inFolder(async (path) => {
    const folder = new CheckpointDir(join(path, 'run'));
    await folder.begin();
    await train(folder, 3);
    await folder.begin().then(
      () => assert.unreachable(),
      (error: Error) => {
        assert.instance(error, FileFormatError);
        assert.match(error.message, /holds checkpoints of an earlier run, the newest after 3 epochs/);
      },
    );
    assert.equal(await folder.epochs(), [2, 3]);
  }));

test('keepLast must be a positive whole number', () => {
  assert.throws(() => new CheckpointDir('x', { keepLast: 0 }), /keepLast must be a whole number of at least 1, not 0/);
  assert.throws(() => new CheckpointDir('x', { keep: 3 } as object), /CheckpointDir has no option 'keep'; it has keepLast\./);
});

test.run();
