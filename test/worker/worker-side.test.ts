import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { VERSION } from '../../src/base/version.js';
import { ENGINE, type Message } from '../../src/worker/messages.js';
import { WorkerSide } from '../../src/worker/worker-side.js';

class Toy {
  readonly kept = new Float32Array(4);
  secret() {
    return 'secret';
  }
  make() {
    return new Toy();
  }
  both() {
    return { kept: this.kept, part: new Float32Array(4).subarray(2) };
  }
  copy() {
    return { copy: this.kept.slice() };
  }
}

/** A worker's side, and a way to call it: what it posts for an answer, and what moves along. */
function toyWorker() {
  const posted: { message: Message; transfer: ArrayBuffer[] }[] = [];
  const side = new WorkerSide((message, transfer) => posted.push({ message, transfer }), new Toy(), {
    Toy: { type: Toy, methods: ['make', 'both', 'copy', 'kept'], fields: [], functions: {}, fresh: ['copy', 'both'] },
  });
  const call = async (method: string, target = ENGINE) => {
    side.receive({ type: 'call', id: 1, target, method, args: [] });
    await new Promise((resolve) => setTimeout(resolve));
    return posted.at(-1)!;
  };
  return { posted, side, call };
}

const errorOf = ({ message }: { message: Message }) => (message.type === 'error' ? `${message.error.name}: ${message.error.message}` : '');

test('the first message says the version and what can be asked for', () => {
  const { posted } = toyWorker();
  const kinds = { Toy: { methods: ['make', 'both', 'copy', 'kept', 'release'], streams: [] } };
  assert.equal(posted, [{ message: { type: 'hello', version: VERSION, kinds }, transfer: [] }]);
});

test('methods that are not exposed are refused, and objects that do not exist', async () => {
  const { call } = toyWorker();
  for (const method of ['secret', 'constructor', 'toString', 'hasOwnProperty'])
    assert.is(errorOf(await call(method)), `TypeError: The worker's Toy has no method '${method}'.`);
  assert.is(errorOf(await call('make', 99)), 'DotbiasError: This object of the worker has been released.');
});

test('what the page makes no more use of is forgotten', async () => {
  const { side, call } = toyWorker();
  const { message } = await call('make');
  assert.equal(message, { type: 'value', id: 1, value: { $dotbias: 'object', id: 1, kind: 'Toy', fields: {} } });
  assert.is((await call('copy', 1)).message.type, 'value');
  side.receive({ type: 'forget', target: 1 });
  assert.match(errorOf(await call('copy', 1)), /released/);
});

test('arrays move where they belong to the caller and fill their buffers, else they are copied', async () => {
  const { call } = toyWorker();
  const copied = await call('copy');
  assert.is(copied.transfer.length, 1);
  assert.is((await call('both')).transfer.length, 1);
  assert.is((await call('kept')).transfer.length, 0);
});

test.run();
