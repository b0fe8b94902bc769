/** The engine in a worker against the same calls here. The worker is the other end of a channel, with the same device. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mse } from '../../shaders/ops/loss.js';
import { itemMap } from '../../src/answer/item-map.js';
import { project } from '../../src/answer/pca.js';
import { DataError, DeviceLostError, DotbiasError, FileFormatError } from '../../src/base/errors.js';
import { CollabData } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';
import { Gpu } from '../../src/gpu/gpu.js';
import type { EpochRecord } from '../../src/train/fit.js';
import { collabLearner } from '../../src/train/make-learner.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { connectWorker, type Engine } from '../../src/worker/client.js';
import type { RemoteLearner } from '../../src/worker/exposed.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { assertRefused } from '../helpers/refusal.js';
import { withEngine } from '../helpers/worker.js';

const gpu = await sharedGpu();
const SIZE = { nUsers: 60, nItems: 80, nRatings: 2000, seed: 1 };
const DATA = { batchSize: 32, seed: 5 };
const LEARNER = { nFactors: 8, stepsPerSubmission: 10 };
const own = CollabData.fromArrays(plantedRatings(SIZE).columns, { name: 'planted', ...DATA });

async function learner(engine: Engine): Promise<RemoteLearner> {
  const data = await engine.makeData(await engine.plantedRatings(SIZE), DATA);
  return engine.collabLearner(data, { ...LEARNER, gpu: await engine.openGpu() });
}

/** The same learner there and here. */
async function twins(work: (there: RemoteLearner, here: CollabLearner, engine: Engine) => Promise<void>): Promise<void> {
  const here = await collabLearner(own, { ...LEARNER, gpu });
  try {
    await withEngine(gpu, async (engine) => {
      const there = await learner(engine);
      await work(there, here, engine);
      await there.release();
    });
  } finally {
    here.release();
  }
}

const untimed = (record: EpochRecord) => ({ ...record, trainSeconds: 0, validateSeconds: 0 });

test('a fit in a worker has the bits of one here, told alike, and the model answers alike', () =>
  twins(async (there, here) => {
    const told: unknown[][] = [[], []];
    const records = [there, here].map((learn, k) =>
      learn.fitOneCycle(2, 0.02, { onProgress: ({ step }) => told[k].push(step), onEpoch: (record) => void told[k].push(untimed(record)) }),
    );
    assert.equal((await records[0]).map(untimed), (await records[1]).map(untimed));
    assert.equal(told[0], told[1]);
    assert.is(told[0].length, 2 * 5 + 2);
    assert.equal(await there.tables(), await here.tables());
    assert.equal((await there.history()).losses, here.history.losses);
    assert.equal(await there.validate(), await here.validate());
    assert.equal(await there.showResults(3), await here.showResults(3));
    assert.equal(await there.predict([1, 2], [3, 4]), await here.predict([1, 2], [3, 4]));
    assert.equal(await there.recommend(3, 5), await here.recommend(3, 5));
    assert.equal(await there.similarItems(3), await here.similarItems(3));
    assert.equal([there.yRange, there.seed, there.gpu.info], [here.yRange, here.seed, gpu.info]);
    assert.is((await there.stepping()).why, here.stepping.why);
  }));

test('new users are folded in there, with lists and reasons; one can be placed on the map', () =>
  twins(async (there, here) => {
    const given = [
      [1, 5],
      [2, 1],
    ] as const;
    await there.warmUp();
    for (const [folded, mine] of [
      [await there.foldIn(given), await here.foldIn(given)],
      [await (await there.folder()).fold(given), await (await here.folder()).fold(given)],
    ] as const) {
      assert.equal([folded.factors, folded.bias], [mine.factors, mine.bias]);
      assert.equal(await folded.because(4), await mine.because(4));
      assert.equal(await folded.recommend(5), await mine.recommend(5));
      assert.equal(project(await there.itemMap(), folded.factors), (await itemMap(here)).project(mine.factors));
    }
  }));

test('a stream gives the events of one here, and the model rests at the end of each epoch', () =>
  twins(async (there, here) => {
    const ends: unknown[][] = [[], []];
    for (const [k, learn] of [there, here].entries()) {
      for await (const event of learn.stream(3, 0.02)) {
        if (event.type === 'steps') ends[k].push(event.losses, event.lrs);
        else ends[k].push(await learn.validate(), await learn.predict([1], [2]));
      }
    }
    assert.equal(ends[0], ends[1]);
  }));

test('a stream that is left, or aborted, leaves a learner that goes on', () =>
  twins(async (there) => {
    for await (const event of there.stream(50, 0.02)) if (event.type === 'epoch') break;
    assert.is((await there.history()).losses.length, 50);
    const stop = new AbortController();
    let nEpochs = 0;
    for await (const event of there.stream(50, 0.02, { signal: stop.signal })) {
      if (event.type === 'epoch' && ++nEpochs === 2) stop.abort();
    }
    assert.is(nEpochs, 2);
    assert.is((await there.fit(1, 0.01)).length, 1);
  }));

test('lrFind tells its losses on the way; aborted, it throws the reason and changes nothing', () =>
  twins(async (there, here) => {
    const losses: number[] = [];
    const found = await there.lrFind({ onProgress: (progress) => losses.push(...progress.losses) });
    assert.equal(found, await here.lrFind());
    assert.ok(losses.length > 20);
    const stop = new AbortController();
    const abort = () => stop.abort(new RangeError('enough'));
    await assertRefusedBy(there.lrFind({ numIt: 1000, stopDiv: false, onProgress: abort, signal: stop.signal }), stop.signal);
    assert.equal(await there.tables(), await here.tables());
  }));

async function assertRefusedBy(call: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const reason: unknown = await call.then(
    () => 'nothing',
    (error: unknown) => error,
  );
  assert.is(reason, signal.reason);
}

test('a fit can be resumed there from the bytes of a checkpoint, with the same bits', () =>
  twins(async (there, here, engine) => {
    const kept: Uint8Array[] = [];
    await there.fitOneCycle(3, 0.02, { checkpoint: (bytes) => void kept.push(bytes) });
    await here.fitOneCycle(3, 0.02);
    assert.equal(await there.tables(), await here.tables());
    const again = await learner(engine);
    assert.is((await again.fitOneCycle(3, 0.02, { resume: kept[0] })).length, 3);
    assert.equal(await again.tables(), await here.tables());
  }));

test('ratings are parsed there, or taken from the page, and are what they would be here', () =>
  withEngine(gpu, async (engine) => {
    const text = 'userId,movieId,rating\n' + Array.from({ length: 40 }, (_, k) => `${k % 7},${k % 11},${1 + (k % 5)}`).join('\n');
    const file = await engine.parseRatings(new Blob([text]), { name: 'my.csv' });
    assert.equal([file.name, file.nRatings, file.skipped, await file.titles()], ['my.csv', 40, 0, undefined]);
    const data = await engine.makeData(file, { validPct: 0 });
    assert.equal([data.name, data.nUsers, data.nItems, data.nTrain, data.nValid], ['my.csv', 8, 12, 40, 0]);
    const columns = await file.columns();
    assert.equal(await file.extremes(), [1, 5]);
    const mine = CollabData.fromArrays(columns);
    assert.equal(await data.popularItems(2), CollabData.fromArrays(columns, { validPct: 0 }).popularItems(2));
    const rows = Array.from({ length: 40 }, (_, k) => [columns.users[k], columns.items[k], columns.ratings[k]] as const);
    for (const given of [columns, rows]) assert.is((await engine.makeData(given)).nTrain, mine.nTrain);
    await assertRefused(() => engine.parseRatings(new Blob(['a,b\nc,d,e'])), /./, DataError);
    const planted = await engine.plantedRatings(SIZE);
    assert.is(await planted.bestMse([0, 1]), plantedRatings(SIZE).bestMse([0, 1]));
  }));

test('a model leaves the worker as bytes, and comes back', () =>
  twins(async (there, here, engine) => {
    const bytes = await there.encodeModel({ ratings: false });
    await assertRefused(() => engine.loadModel(bytes.slice(0, 100)), /./, FileFormatError);
    const model = await engine.loadModel(bytes, { gpu: there.gpu });
    assert.equal(await model.predict([1, 2], [3, 4]), await here.predict([1, 2], [3, 4]));
    await model.release();
    await assertRefused(() => model.itemBias(), /released/, DotbiasError);
  }));

test('the core refuses there what it refuses here, and nobody can give what cannot cross', () =>
  twins(async (there, _, engine) => {
    await assertRefused(() => there.recommend(1, 0), /^n must be a whole number/, RangeError);
    await assertRefused(
      () => there.fit(1, 0.1, { onEpochs: 1 } as object),
      /^fit has no option 'onEpochs'; did you mean onEpoch\?$/,
      TypeError,
    );
    const fit = there.fit(1, 0.01);
    await assertRefused(() => there.release(), /^release cannot begin while fit of the same learner is under way/, DotbiasError);
    await fit;
    const data = await engine.makeData(await engine.plantedRatings(SIZE));
    await assertRefused(() => engine.collabLearner(data, { loss: mse } as object), /^collabLearner: loss\.\w+ is a function\. /, TypeError);
    await assertRefused(() => engine.collabLearner(own as never), /^collabLearner takes data of this worker: /, TypeError);
    await assertRefused(
      () => there.fit(1, 0.1, { callbacks: [{ onStep() {} }] } as object),
      /^fit: .*could not be cloned\. Only data, /,
      TypeError,
    );
  }));

test('a device that is lost is told of, and what needs it is refused', async () => {
  const device = await freshDevice();
  await withEngine(Gpu.borrow(device), async (engine) => {
    const opened = await engine.openGpu();
    const lost = opened.lost();
    device.destroy();
    assert.is((await lost).reason, 'destroyed');
    const data = await engine.makeData(await engine.plantedRatings(SIZE));
    await assertRefused(() => engine.collabLearner(data, { gpu: opened }), /destroyed/, DeviceLostError);
  });
});

test('what is no worker is refused at once', async () => {
  const refused: [unknown, RegExp][] = [
    [undefined, /^connectWorker takes a Worker or a MessagePort, not undefined\.$/],
    ['dotbias/worker', /not 'dotbias\/worker'\.$/],
    [{ postMessage() {} }, /not an object\.$/],
  ];
  for (const [worker, message] of refused) await assertRefused(() => connectWorker(worker as Worker), message, TypeError);
});

test.run();
