import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../../src/data/collab-data.js';
import { plantedRatings } from '../../../src/data/planted.js';
import { tensorBoard } from '../../../src/node/track/tensorboard.js';
import { decodeCheckpoint } from '../../../src/train/checkpoint.js';
import { collabLearner } from '../../../src/train/make-learner.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { curveOf, eventFiles, readEvents, recordsOf, whyNoReader } from '../../helpers/event-files.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertRefused } from '../../helpers/refusal.js';

const test = suite('tensorBoard');

const data = CollabData.fromArrays(plantedRatings({ nUsers: 60, nItems: 80, nRatings: 1200 }).columns, { batchSize: 16 });
const STEPS = data.stepsPerEpoch;
const learner = async () => collabLearner(data, { nFactors: 5, gpu: await sharedGpu(), stepsPerSubmission: 10 });

if (whyNoReader) console.log(`skipped: reading event files with protobufjs: ${whyNoReader}`);
else {
  test('a fit gives its losses, rates and errors; a resumed one goes on in a new file at its own step', async () => {
    const dir = join(temporaryFolder(), 'run');
    const first = await learner();
    let saved: Uint8Array | undefined;
    const checkpoint = (bytes: Uint8Array) => void (saved ??= bytes);
    await first.fitOneCycle(2, 0.01, { callbacks: [tensorBoard(dir, { every: 1 })], checkpoint });
    const { losses, smoothLosses, lrs, beta1s, epochs } = first.history;
    const [file] = eventFiles(dir);
    const events = readEvents(file);
    assert.equal([events[0].fileVersion, events[1].step, events[1].sessionLog], ['brain.Event:2', 0, { status: 'START' }]);
    const perStep = (values: readonly number[], from = 0) => values.slice(from).map((value, k) => [from + k, Math.fround(value)]);
    for (const [tag, values] of Object.entries({ loss: losses, smooth_loss: smoothLosses, lr: lrs, momentum: beta1s })) {
      assert.equal(curveOf(events, `train/${tag}`), perStep(values), tag);
    }
    const perEpoch = (values: number[]) => values.map((value, epoch) => [(epoch + 1) * STEPS - 1, Math.fround(value)]);
    assert.equal(curveOf(events, 'epoch/train_loss'), perEpoch(epochs.map(({ trainLoss }) => trainLoss)));
    assert.equal(curveOf(events, 'epoch/valid_loss'), perEpoch(epochs.map(({ validLoss }) => validLoss)));
    assert.equal(curveOf(events, 'epoch/mae'), perEpoch(epochs.map(({ valid }) => valid.mae)));

    const second = await learner();
    await second.fitOneCycle(2, 0.01, { callbacks: [tensorBoard(dir, { every: 1 })], resume: decodeCheckpoint(saved!) });
    const [, later] = eventFiles(dir);
    const resumed = readEvents(later);
    assert.equal([resumed[1].step, resumed[1].sessionLog], [STEPS, { status: 'START' }]);
    assert.equal(curveOf(resumed, 'train/loss'), perStep(losses, STEPS));
    assert.is(curveOf(resumed, 'epoch/valid_loss')[0][0], 2 * STEPS - 1);
    for (const each of [first, second]) each.release();
  });
}

test('what a submission gave is in the file before the next', async () => {
  const dir = temporaryFolder();
  const learn = await learner();
  const sizes: number[] = [];
  await learn.fitOneCycle(1, 0.01, {
    callbacks: [tensorBoard(dir, { every: 5 })],
    onProgress: () => queueMicrotask(() => sizes.push(recordsOf(eventFiles(dir)[0]).length)),
  });
  assert.ok(sizes.length > 3 && sizes.every((size, k) => size === 2 + 2 * (k + 1) || k === sizes.length - 1), String(sizes));
  learn.release();
});

test('a folder that cannot be made ends the fit before it begins, or is told where that is asked for', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const learn = await learner();
  await refusesFolder(learn.fitOneCycle(1, 0.01, { callbacks: [tensorBoard(file)] }));
  assert.is(learn.history.losses.length, 0);
  const told: Error[] = [];
  await learn.fitOneCycle(1, 0.01, { callbacks: [tensorBoard(file, { onError: (error) => told.push(error) })] });
  assert.equal([told.length, learn.history.losses.length], [1, STEPS]);
  learn.release();
});

async function refusesFolder(work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.match(String(error), /ENOTDIR|EEXIST/);
}

test('wrong options are refused', async () => {
  await assertRefused(() => tensorBoard('x', { every: 0 }), /every must be a whole number of at least 1, not 0/);
  await assertRefused(() => tensorBoard('x', { evry: 1 } as object), /did you mean every\?/, TypeError);
});

test.run();
