/** Checkpoints in blocks of real fits: ranks are promises of this process, and share a folder. */
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError, FileFormatError } from '../../../src/base/errors.js';
import { ALONE, type Ring } from '../../../src/base/ring.js';
import { CheckpointDir } from '../../../src/node/files/checkpoint-dir.js';
import { keepBest } from '../../../src/train/callbacks.js';
import type { LearnerOptions } from '../../../src/train/options.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { smallData } from '../../helpers/data.js';
import { onRing } from '../../helpers/local-ring.js';
import { assertRefused } from '../../helpers/refusal.js';
import { makeLearner } from '../../helpers/short-run.js';
import { sharedGpu } from '../../helpers/gpu.js';

const test = suite('save-blocks');
const gpu = await sharedGpu();
const data = smallData({ batchSize: 4 });
const EPOCHS = 3;
const base = temporaryFolder();
let count = 0;
const newFolder = () => join(base, `run${count++}`);

interface Case extends LearnerOptions {
  /** Ends the run after so many epochs. */
  stopAfter?: number;
  best?: boolean;
  /** What rank 1 meets when it saves a block. */
  fails?: Error;
}

/** Trains on one rank, from the newest checkpoint on, and returns all that the run leaves; the tables on rank 0 alone. */
async function train(path: string, ring: Ring, { stopAfter = EPOCHS, best = false, fails, ...options }: Case = {}) {
  const learn = await makeLearner({ strata: 4, passes: 1, unknownUser: 'na', ...(ring.size > 1 && { ring }), ...options }, data);
  try {
    const folder = new CheckpointDir(path);
    await folder.share(ring);
    if (fails && ring.rank === 1) Object.assign(learn.embeddings, { readBlock: () => Promise.reject(fails) });
    const { checkpoint, notes } = await folder.newestBlocks(learn);
    const stop = new AbortController();
    const epochs = await learn.fitOneCycle(EPOCHS, 0.01, {
      callbacks: [
        ...(best ? [keepBest()] : []),
        { onEpoch: (_, fit) => folder.saveBlocks(fit) },
        { onEpoch: ({ epoch }) => void (epoch + 1 === stopAfter && stop.abort()) },
      ],
      resume: checkpoint,
      signal: stop.signal,
    });
    const { losses, lrs } = learn.history;
    const { embeddings } = learn;
    const tables = await (embeddings.gatherTables ? embeddings.gatherTables() : embeddings.readTables());
    return { notes, from: checkpoint?.progress.epochs, left: [losses, lrs, epochs.map(({ valid }) => valid), tables] };
  } finally {
    learn.release();
    if (ring.rank === 0) await new CheckpointDir(path).release();
  }
}

const onRanks = (size: number, path: string, options?: Case) =>
  size === 1 ? train(path, ALONE, options).then((one) => [one]) : onRing(size, (ring) => train(path, ring, options));

const whole = await train(newFolder(), ALONE, { parts: 1 });
const leftOn = (rank: number) => [...whole.left.slice(0, -1), rank === 0 ? whole.left.at(-1) : undefined];

test('a run that was cut off goes on with the same bits in any number of parts and on any number of ranks', async () => {
  for (const [before, after] of [
    [{ size: 4 }, { size: 1, parts: 1 }],
    [{ size: 4 }, { size: 2 }],
    [{ size: 1, parts: 4 }, { size: 2 }],
    [{ size: 2 }, { size: 1, parts: 2 }],
  ]) {
    const path = newFolder();
    const { size, ...options } = before;
    await onRanks(size, path, { ...options, stopAfter: 2 });
    assert.equal((await readdir(path)).sort(), ['epoch-0001', 'epoch-0002']);
    const { size: size2, ...options2 } = after;
    for (const [rank, { from, left }] of (await onRanks(size2, path, options2)).entries()) {
      assert.is(from, 2);
      assert.equal(left, leftOn(rank), `${JSON.stringify(before)}, then ${JSON.stringify(after)}`);
    }
    assert.equal((await readdir(path)).sort(), ['epoch-0002', 'epoch-0003']);
  }
});

test('what keepBest has is kept with the blocks', async () => {
  const expected = await train(newFolder(), ALONE, { best: true, parts: 1 });
  const path = newFolder();
  await train(path, ALONE, { best: true, parts: 2, stopAfter: 1 });
  assert.equal((await train(path, ALONE, { best: true, parts: 4 })).left, expected.left);
});

test('an epoch of which any rank finds a block damaged is passed over by all', async () => {
  const path = newFolder();
  await onRanks(2, path, { stopAfter: 2 });
  await truncate(join(path, 'epoch-0002', 'users-03.safetensors'), 100); // of rank 1
  const runs = await onRanks(2, path);
  for (const [rank, { from, notes, left }] of runs.entries()) {
    assert.is(from, 1);
    assert.equal(notes.length, 1);
    assert.match(notes[0], /^Epoch 2 in .*run\d+ cannot be used: .*users-03\.safetensors: .* but the file has 100\.$/);
    assert.equal(left, leftOn(rank));
  }
});

/** What each rank is told, the same on all. */
async function refusals(size: number, path: string, options?: Case): Promise<unknown> {
  const errors = await onRing(size, (ring) =>
    train(path, ring, options).then(
      () => assert.unreachable(),
      (error: unknown) => error,
    ),
  );
  for (const error of errors) {
    assert.instance(error, DotbiasError);
    assert.is((error as Error).message, (errors[0] as Error).message);
  }
  return errors[0];
}

test('a checkpoint that one rank cannot write is told on all, and the one before stays', async () => {
  const path = newFolder();
  await onRanks(2, path, { stopAfter: 1 });
  const before = await readFile(join(path, 'epoch-0001', 'index.json'), 'utf8');
  const full = Object.assign(new Error("ENOSPC: no space left on device, write '/x'"), { code: 'ENOSPC', syscall: 'write', path: '/x' });
  const error = await refusals(2, path, { fails: full });
  assert.is((error as Error).message, 'Rank 1 on host host: /x: no space left on device.');
  assert.is(await readFile(join(path, 'epoch-0001', 'index.json'), 'utf8'), before);
  assert.equal(await readdir(path), ['epoch-0001'], 'nothing is left of the other');
  assert.is((await train(path, ALONE)).from, 1);
});

test('checkpoints of another run, of other strata or of the other kind are refused', async () => {
  const path = newFolder();
  await onRanks(2, path, { stopAfter: 1 });
  const refused = (options: Case, message: RegExp) => assertRefused(() => train(path, ALONE, options), message, FileFormatError);
  await refused({ strata: 8 }, /another run: its number of strata is 4, here it is 8\. Resume with what it was made with/);
  await refused({ passes: 2 }, /another run: its number of passes is 1, here it is 2\./);
  await refused({ wd: 0.2 }, /another run: its wd is 0\.1, here it is 0\.2\./);
  assert.match(((await refusals(2, path, { strata: 8 })) as Error).message, /its number of strata is 4, here it is 8/);
  await assertRefused(
    () => new CheckpointDir(path).newest(),
    /holds checkpoints in blocks, of a run in strata, and this run has none: give the same strata, or use another folder\.$/,
    FileFormatError,
  );
  await assertRefused(() => train(path, ALONE, { strata: 1 }), /^A model that trains without strata has no blocks\.$/, DotbiasError);
  const files = newFolder();
  await mkdir(files);
  await writeFile(join(files, 'epoch-0001.safetensors'), '');
  await assertRefused(
    () => train(files, ALONE),
    /holds checkpoints in whole files, of a run without strata, and this run has strata: leave them out, or use another folder\.$/,
    FileFormatError,
  );
  assert.is(gpu.allocated, 0);
});

test('ranks that do not see one folder are refused before they train, by name', async () => {
  const [one, other] = [newFolder(), newFolder()];
  const errors = await onRing(
    2,
    (ring) =>
      new CheckpointDir(ring.rank === 0 ? one : other).share(ring).then(
        () => assert.unreachable(),
        (error: Error) => error.message,
      ),
    ['a', 'b'],
  );
  for (const message of errors) {
    assert.is(message, `Rank 1 on host b: ${other} is not the folder that rank 0 has by this name: name one that all machines share.`);
  }
  assert.equal(
    (await readdir(one)).filter((name) => name.startsWith('.token')),
    [],
  );
  await new CheckpointDir(one).release();
  await rm(base, { recursive: true });
});

test.run();
