import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError } from '../../src/base/errors.js';
import { VERSION } from '../../src/base/version.js';
import type { Thread } from '../../src/gpu/thread.js';
import { webThread } from '../../src/gpu/web-thread.js';
import { ENGINE } from '../../src/worker/messages.js';
import { PageSide } from '../../src/worker/page-side.js';
import { type Exposed, WorkerSide } from '../../src/worker/worker-side.js';
import { assertRefused } from '../helpers/refusal.js';

interface Options {
  onProgress?: (done: number) => unknown;
  onEpoch?: (done: number) => unknown;
  signal?: AbortSignal;
  of?: unknown;
}

/** What a worker might have: a counter. */
class Counter {
  made = 0;
  isEnded = false;
  constructor(readonly step = 1) {}

  next(step: number) {
    return new Counter(step);
  }
  stepOf({ of }: Options) {
    return (of as Counter).step;
  }
  async told({ onProgress, onEpoch }: Options) {
    for (let k = 1; ; k++) {
      onProgress?.(k);
      if ((await onEpoch?.(k)) === true) return k;
    }
  }
  wait({ signal }: Options) {
    return new Promise((_, reject) => {
      signal!.addEventListener('abort', () => reject(signal!.reason));
      signal!.throwIfAborted();
    });
  }
  async *count(n: number) {
    try {
      for (this.made = 1; this.made <= n; this.made++) yield this.made * this.step;
      return 'all';
    } finally {
      this.isEnded = true;
    }
  }
  async *fail() {
    yield 1;
    throw new RangeError('No more.');
  }
}

const EXPOSED: Record<string, Exposed> = {
  Counter: {
    type: Counter,
    methods: ['next', 'stepOf', 'told', 'wait', 'made', 'isEnded', 'count', 'fail'],
    fields: ['step'],
    functions: {},
    streams: ['count', 'fail'],
  },
};

/** The same as the page sees it. */
interface RemoteCounter {
  step: number;
  next(step: number): Promise<RemoteCounter>;
  stepOf(options: Options): Promise<number>;
  told(options: Options | ((done: number) => unknown)): Promise<number>;
  wait(options: Options): Promise<void>;
  made(): Promise<number>;
  isEnded(): Promise<boolean>;
  count(n: unknown): AsyncGenerator<number, string>;
  fail(): AsyncGenerator<number>;
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function withCounter(work: (counter: RemoteCounter, side: PageSide) => Promise<void>): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const worker = new WorkerSide((message, transfer) => port2.postMessage(message, transfer), new Counter(), EXPOSED);
  port2.addEventListener('message', ({ data }) => worker.receive(data));
  port2.start();
  const side = new PageSide(webThread(port1));
  try {
    await work(
      side.remote(ENGINE, {
        methods: ['next', 'stepOf', 'told', 'wait', 'made', 'isEnded'],
        streams: ['count', 'fail'],
      }) as unknown as RemoteCounter,
      side,
    );
  } finally {
    port1.close();
  }
}

test('objects stay in the worker: their fields are known, their methods are calls, and they can be arguments', () =>
  withCounter(async (counter) => {
    const two = await counter.next(2);
    assert.is(two.step, 2);
    assert.is(await counter.stepOf({ of: two }), 2);
    await withCounter((other) =>
      assertRefused(() => other.stepOf({ of: two }), /^stepOf: of is an object of another worker\.$/, TypeError),
    );
  }));

test('a released object answers no more', () =>
  withCounter(async (counter) => {
    const two = await counter.next(2);
    await two.release();
    const gone = /^This object of the worker has been released\.$/;
    await assertRefused(() => two.made(), gone, DotbiasError);
    await assertRefused(() => counter.stepOf({ of: two }), gone, DotbiasError);
    const three = await counter.next(3);
    await three[Symbol.asyncDispose]();
    await assertRefused(() => three.made(), gone, DotbiasError);
  }));

test('an abort reaches the worker, and the call throws the very reason', () =>
  withCounter(async (counter) => {
    for (const reason of [undefined, new RangeError('enough'), 'enough']) {
      const stop = new AbortController();
      const waiting = counter.wait({ signal: stop.signal }).catch((error: unknown) => error);
      stop.abort(reason);
      assert.is(await waiting, stop.signal.reason);
      assert.is(await counter.wait({ signal: stop.signal }).catch((error: unknown) => error), stop.signal.reason);
    }
  }));

test('a stream makes an event when the loop asks for it, and ends with its value', () =>
  withCounter(async (counter) => {
    const events = counter.count(3);
    for (const k of [1, 2, 3]) {
      assert.equal(await events.next(), { done: false, value: k });
      await new Promise((resolve) => setTimeout(resolve, 5));
      assert.is(await counter.made(), k);
    }
    assert.equal(await events.next(), { done: true, value: 'all' });
    assert.ok(await counter.isEnded());
  }));

test('a loop that is left ends the stream in the worker before it goes on', () =>
  withCounter(async (counter) => {
    for await (const event of counter.count(Infinity)) if (event === 5) break;
    assert.equal([await counter.made(), await counter.isEnded()], [5, true]);
  }));

test('a stream throws what its maker throws, after the events before', () =>
  withCounter(async (counter) => {
    const seen: number[] = [];
    await assertRefused(async () => {
      for await (const event of counter.fail()) seen.push(event);
    }, /^No more\.$/);
    assert.equal(seen, [1]);
  }));

test('functions of known names are told, and their true is an answer', () =>
  withCounter(async (counter) => {
    const told: number[] = [];
    assert.is(await counter.told({ onProgress: (k) => told.push(k), onEpoch: (k) => k === 3 }), 3);
    assert.equal(told, [1, 2, 3]);
  }));

test('what a function of the page throws ends the call, awaited or not', () =>
  withCounter(async (counter) => {
    const refuse = () => {
      throw new TypeError('Not this.');
    };
    await assertRefused(() => counter.told({ onEpoch: refuse }), /^Not this\.$/, TypeError);
    await assertRefused(() => counter.told({ onProgress: refuse, onEpoch: () => false }), /^Not this\.$/, TypeError);
  }));

test('what cannot cross is refused in a sentence that names it', () =>
  withCounter(async (counter) => {
    const other = /^told: of\.grad is a function\. Only data, and functions named onProgress, onEpoch, checkpoint, cross to a worker: /;
    await assertRefused(() => counter.told({ of: { grad: () => 0 } }), other, TypeError);
    await assertRefused(() => counter.told(() => 0), /^told: an argument is a function\./, TypeError);
    const generator = (function* () {})();
    await assertRefused(() => counter.stepOf({ of: generator }), /^stepOf: .*could not be cloned\. Only data, /, TypeError);
    await assertRefused(() => counter.count(generator).next(), /^count: .*could not be cloned\. Only data, /, TypeError);
    assert.is((await counter.next(2)).step, 2);
  }));

/** A thread that only says what the test says. */
function deafThread() {
  let tell!: (message: unknown) => void;
  let fail!: (reason: string) => void;
  const ended: number[] = [];
  const thread: Thread = {
    post: () => undefined,
    listen: (...both) => ([tell, fail] = both),
    hold: () => undefined,
    end: () => void ended.push(1),
  };
  const side = new PageSide(thread);
  const counter = side.remote(ENGINE, { methods: ['made'], streams: ['count'] }) as unknown as RemoteCounter;
  return { tell, fail, side, counter, ended };
}

const hello = (version: string) => ({ type: 'hello', version, kinds: {} });

for (const [what, happen, message] of [
  ['dies', ({ tell, fail }) => (tell(hello(VERSION)), fail('out of memory')), /^The worker has ended: out of memory\. Connect another, /],
  ['cannot be loaded', ({ fail }) => fail('its script could not be loaded'), /^The worker has ended: its script could not be loaded\./],
  ['is of another version', ({ tell }) => tell(hello('0.0.1')), /: it runs dotbias 0\.0\.1, and the page dotbias .*; build both from one /],
  ['runs another script', ({ tell }) => tell('ready'), /: its script is another; it must import 'dotbias\/worker', /],
  ['is ended by the page', ({ side }) => side.end('the page has ended it'), /^The worker has ended: the page has ended it\./],
] as [string, (deaf: ReturnType<typeof deafThread>) => void, RegExp][]) {
  test(`a worker that ${what} rejects all calls, those that wait and those to come`, async () => {
    const deaf = deafThread();
    const waiting = deaf.counter.made();
    const streaming = deaf.counter.count(3).next();
    happen(deaf);
    for (const call of [waiting, streaming, deaf.counter.made(), deaf.counter.count(3).next()])
      await assertRefused(() => call, message, DotbiasError);
    assert.ok(deaf.ended.length > 0);
  });
}

test('a worker that says nothing is given up', async () => {
  const { setTimeout } = globalThis;
  let giveUp!: () => void;
  globalThis.setTimeout = ((work: () => void) => (giveUp = work)) as never;
  const { counter } = deafThread();
  globalThis.setTimeout = setTimeout;
  const waiting = counter.made();
  giveUp();
  await assertRefused(() => waiting, /it said nothing in 60 seconds; its script must import 'dotbias\/worker'/, DotbiasError);
});

test.run();
