import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { webThread } from '../../src/gpu/web-thread.js';

/** A worker that says and does what the test says. */
class ToyWorker extends EventTarget {
  isEnded = false;
  postMessage() {}
  terminate() {
    this.isEnded = true;
  }
}

test('a port carries messages both ways, and says that it was closed', async () => {
  const { port1, port2 } = new MessageChannel();
  const said: unknown[] = [];
  const failed = new Promise<string>((resolve) => webThread(port1).listen((message) => said.push(message), resolve));
  const answer = new Promise((resolve) => port2.addEventListener('message', ({ data }) => resolve(data)));
  port2.start();
  webThread(port1).post({ of: Float32Array.of(1, 2) }, []);
  assert.equal(await answer, { of: Float32Array.of(1, 2) });
  port2.postMessage('back');
  port2.close();
  assert.is(await failed, 'its port was closed');
  assert.equal(said, ['back']);
});

test('a worker whose script fails says why, and its error goes no further', () => {
  const worker = new ToyWorker();
  const thread = webThread(worker as unknown as Worker);
  const reasons: string[] = [];
  thread.listen(
    () => undefined,
    (reason) => reasons.push(reason),
  );
  const errors = ['', 'x is not defined'].map((message) => Object.assign(new Event('error', { cancelable: true }), { message }));
  errors.forEach((error) => worker.dispatchEvent(error));
  worker.dispatchEvent(new Event('messageerror'));
  assert.equal(reasons, ['its script could not be loaded', 'x is not defined', 'a message could not be read']);
  assert.ok(errors.every(({ defaultPrevented }) => defaultPrevented));
  thread.end();
  assert.ok(worker.isEnded);
});

test.run();
