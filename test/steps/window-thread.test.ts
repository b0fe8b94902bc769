import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fillPermutation } from '../../src/base/random.js';
import { DotbiasError } from '../../src/base/errors.js';
import { Gpu } from '../../src/gpu/gpu.js';
import type { Thread } from '../../src/gpu/thread.js';
import { collabLearner } from '../../src/node.js';
import { windowThread } from '../../src/node/device/thread.js';
import { HostBatches, interleave, type HostWindow } from '../../src/steps/host-batches.js';
import { lazyStepper } from '../../src/steps/lazy.js';
import { serveWindows } from '../../src/steps/serve-windows.js';
import type { Batches, StepperFactory } from '../../src/steps/stepper.js';
import { WindowThread } from '../../src/steps/window-thread.js';
import type { LearnerOptions } from '../../src/train/options.js';
import { smallData } from '../helpers/data.js';
import { freshDevice, sharedGpu } from '../helpers/gpu.js';
import { refusal } from '../helpers/refusal.js';
import { randomRatings, sameBits } from '../helpers/training.js';

const gpu = await sharedGpu();
const data = smallData();
const DEAD = /^The thread that makes batches has ended: no more memory\. Make the learner anew\.$/;

/** Told of the first step of each submission, when that has been made. */
let onRun: (step: number) => void = () => undefined;

/** Seven steps a submission, batches in a thread from `least` training ratings on. */
const factory = (least: number, persistent = false): StepperFactory => ({
  name: persistent ? 'persistent' : 'lazy',
  nCopies: 2,
  maxSteps: 7,
  async create(input) {
    const stepper = await lazyStepper(input, persistent, undefined, least);
    const run = async (batches: Batches, step: number) => {
      await stepper.run(batches, step);
      onRun(step);
    };
    return { ...stepper, run };
  },
});

const learner = (least: number, options: LearnerOptions = {}, persistent = false) =>
  collabLearner(data, { gpu, nFactors: 8, stepper: factory(least, persistent), ...options });

/** What two learners, without a thread and with one, end with. */
async function bothWays(
  train: (learn: Awaited<ReturnType<typeof learner>>) => Promise<unknown>,
  options?: LearnerOptions,
  persistent = false,
) {
  const ends = [];
  for (const least of [Infinity, 0]) {
    const learn = await learner(least, options, persistent);
    assert.match(learn.stepping.note!, least === 0 ? /Batches are made in a thread of their own\.$/ : /main thread: there are too few/);
    const result = await train(learn);
    ends.push({ result, losses: learn.history.losses, ...(await learn.embeddings.readState()) });
    learn.release();
  }
  const [without, withThread] = ends;
  assert.equal([withThread.result, withThread.losses], [without.result, without.losses]);
  for (const key of ['param', 'm', 'v'] as const) assert.ok(sameBits(withThread[key]!, without[key]!), key);
  return without;
}

for (const persistent of [false, true]) {
  test(`${persistent ? 'persistent' : 'lazy'}: epochs that are no whole number of submissions give the same bits`, async () => {
    const { losses } = await bothWays((learn) => learn.fitOneCycle(3, 0.02).then(() => 0), {}, persistent);
    assert.ok(losses.length === 150 && losses.every(Number.isFinite));
  });
}

test('an order of the caller gives the same bits, even if it is the same array each time', async () => {
  const rows = new Uint32Array(data.nTrain);
  const order = (epoch: number) => {
    fillPermutation(rows, epoch);
    return rows;
  };
  await bothWays((learn) => learn.fit(3, 0.01).then(() => 0), { order });
});

test('strata give the same bits, whose order the thread makes itself', async () => {
  await bothWays((learn) => learn.fit(2, 0.01).then(() => 0), { strata: 2, passes: 2 });
});

test('a fit that is stopped in the midst, lrFind and a fit after them give the same bits', async () => {
  await bothWays(async (learn) => {
    const stop = new AbortController();
    onRun = (step) => step === 14 && stop.abort();
    await learn.fit(2, 0.01, { signal: stop.signal });
    onRun = () => undefined;
    const found = await learn.lrFind({ numIt: 60 });
    await learn.fit(1, 0.01);
    return found.losses;
  });
});

test('two learners side by side have a thread each', async () => {
  const learners = await Promise.all([learner(0), learner(0), learner(Infinity)]);
  await Promise.all(learners.map((learn) => learn.fit(2, 0.01)));
  for (const learn of learners) {
    assert.equal(learn.history.losses, learners[2].history.losses);
    learn.release();
  }
});

/** Threads of Node that can be made to fail. */
function fragileThread() {
  let fail!: (reason: string) => void;
  let ends = 0;
  const start = (): Thread => {
    const inner = windowThread();
    return {
      ...inner,
      listen: (onMessage, onFailure) => inner.listen(onMessage, (fail = onFailure)),
      end: () => {
        ends++;
        inner.end();
      },
    };
  };
  return { start, fail: (reason: string) => fail(reason), ends: () => ends };
}

test('a thread that dies in the midst of a fit ends it with an error, and every fit after it', async () => {
  const device = await freshDevice();
  const fragile = fragileThread();
  const own = Gpu.borrow(device, { thread: fragile.start });
  const learn = await learner(0, { gpu: own });
  const fit = learn.fit(5, 0.01, { onProgress: ({ step }) => step === 21 && fragile.fail('no more memory') });
  assert.match((await refusal(() => fit, DotbiasError)).message, DEAD);
  assert.match((await refusal(() => learn.fit(1, 0.01), DotbiasError)).message, DEAD);
  assert.ok((await learn.validate()).mse > 0);
  learn.release();
  assert.is(fragile.ends(), 1);
  own.destroy();
  device.destroy();
});

test('release ends the thread', async () => {
  const device = await freshDevice();
  const fragile = fragileThread();
  const own = Gpu.borrow(device, { thread: fragile.start });
  const learn = await learner(0, { gpu: own });
  assert.is(fragile.ends(), 0);
  learn.release();
  assert.is(fragile.ends(), 1);
  own.destroy();
  device.destroy();
});

test('where no thread starts, batches are made on the main thread, and the learner says why', async () => {
  const absent = new URL('./absent.js', import.meta.url);
  const other = new URL('data:text/javascript,import{parentPort as p}from"node:worker_threads";p.on("message",()=>0);p.postMessage("x")');
  const refuse = () => {
    throw new Error('this runtime has no Worker');
  };
  const cases: [(() => Thread) | undefined, RegExp][] = [
    [() => windowThread(absent), /did not start: Cannot find module .*absent\.js/],
    [() => windowThread(other), /did not start: its script is another\.$/],
    [refuse, /Batches are made on the main thread: this runtime has no Worker\.$/],
    [undefined, 'Worker' in globalThis ? /./ : /Batches are made on the main thread: this runtime has no Worker\.$/],
  ];
  for (const [thread, why] of cases) {
    const device = await freshDevice();
    const own = Gpu.borrow(device, { thread });
    const learn = await learner(0, { gpu: own });
    assert.match(learn.stepping.note!, why);
    await learn.fit(1, 0.01);
    learn.release();
    own.destroy();
    device.destroy();
  }
});

test('a thread does not keep the process alive, released or not', () => {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { WindowThread } from ${url('../../src/steps/window-thread.js')};
    import { windowThread } from ${url('../../src/node/device/thread.js')};
    const sizes = { nUsers: 2, nRows: 4, batchSize: 2, maxSteps: 2, isSorted: false };
    const windows = await WindowThread.start(windowThread, Uint32Array.of(0, 2, 0, 1, 3, 0), sizes);
    const batches = { key: 1, start: Uint32Array.of(0, 2) };
    windows.prepare([batches]);
    const { nSteps } = await windows.take(batches);
    windows.prepare([batches]);
    console.log('made', nSteps);`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.equal([stdout, stderr, status], ['made 1\n', '', 0]);
});

/** Windows of a thread in this one, which counts the arrays that it made. */
async function localWindows() {
  const train = randomRatings({ nUsers: 5, nItems: 6 }, 60, 1);
  const sizes = { nUsers: 5, nRows: 11, batchSize: 5, maxSteps: 3, isSorted: true };
  const spec = new HostBatches(interleave(train, 5), sizes);
  let held = false;
  let nRooms = 0;
  const thread = (): Thread => {
    let tell!: (message: unknown) => void;
    let handle: (message: unknown) => void;
    const send = (message: unknown, transfer: ArrayBuffer[]) => {
      const data: unknown = structuredClone(message, { transfer });
      setImmediate(() => tell(data));
    };
    return {
      post: (message, transfer) => {
        const { room, plan } = message as { room?: unknown; plan?: unknown };
        if (plan !== undefined && room === undefined) nRooms++;
        handle(structuredClone(message, { transfer }));
      },
      listen: (onMessage) => {
        tell = onMessage;
        handle = serveWindows(send);
      },
      hold: (isHeld) => (held = isHeld),
      end: () => undefined,
    };
  };
  const windows = await WindowThread.start(thread, interleave(train, 5), sizes);
  const order = new Uint32Array(60);
  fillPermutation(order, 77);
  const batches = (first: number): Batches => ({
    get order(): Uint32Array {
      throw new Error('the order of the epoch was made on the main thread');
    },
    key: 77,
    start: Uint32Array.of(first, first + 5, first + 5, first + 9),
  });
  const assertOf = (window: HostWindow, first: number) => assert.equal(window, spec.build(order, batches(first).start));
  return { windows, batches, assertOf, nRooms: () => nRooms, isHeld: () => held };
}

test('where the order has a key, the main thread makes neither the order nor the window', async () => {
  const { windows, batches, assertOf } = await localWindows();
  assertOf(await windows.take(batches(3)), 3);
});

test('preparing ends when the first window is made, and begins the next', async () => {
  const { windows, batches, assertOf, isHeld } = await localWindows();
  const [a, b] = [0, 10].map(batches);
  await windows.prepare([a]);
  assert.not(isHeld(), 'the window is there');
  await windows.prepare([a, b]);
  assert.ok(isHeld(), 'the next is on its way');
  assertOf(await windows.take(a), 0);
  assertOf(await windows.take(b), 10);
});

test('arrays are used again: no more are made than windows are held at one time', async () => {
  const { windows, batches, assertOf, nRooms, isHeld } = await localWindows();
  const coming = Array.from({ length: 20 }, (_, k) => batches(2 * k));
  for (const [k, each] of coming.entries()) {
    windows.prepare(coming.slice(k, k + 3));
    const window = await windows.take(each);
    assertOf(window, 2 * k);
    windows.recycle(window);
  }
  assert.is(nRooms(), 3);
  assert.not(isHeld());
});

test('what was prepared and not taken is dropped, and its arrays are used again', async () => {
  const { windows, batches, assertOf, nRooms } = await localWindows();
  const [a, b, c] = [0, 10, 20].map(batches);
  windows.prepare([a, b, c]);
  const last = await windows.take(c);
  assertOf(last, 20);
  windows.recycle(last);
  windows.prepare([a, b]);
  const other = await windows.take(batches(30));
  assertOf(other, 30);
  windows.recycle(other);
  assert.is(nRooms(), 3);
});

test.run();
