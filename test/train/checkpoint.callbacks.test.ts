import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DotbiasError } from '../../src/base/errors.js';
import type { Tensor } from '../../src/base/safetensors.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/train/checkpoint.js';
import type { Callback, Fit } from '../../src/train/fit.js';
import { refusal } from '../helpers/refusal.js';
import { makeLearner } from '../helpers/short-run.js';

const test = suite('checkpoints and callbacks');

test('a checkpoint within an epoch, or of a fit that another followed, is refused', async () => {
  const learn = await makeLearner();
  const refusals: Promise<Error>[] = [];
  let first: Fit | undefined;
  const callback: Callback = {
    onStep: ({ step }, fit) => {
      first ??= fit;
      if (step === 5) refusals.push(refusal(() => encodeCheckpoint(fit), DotbiasError));
    },
  };
  await learn.fit(1, 0.02, { callbacks: [callback] });
  await learn.fit(1, 0.02);
  refusals.push(refusal(() => encodeCheckpoint(first!), DotbiasError));
  for (const { message } of await Promise.all(refusals)) assert.match(message, /only between two epochs of its own fit/);
  assert.is(refusals.length, 2);
  learn.release();
});

test('callbacks whose names hold dots, or nothing, keep their states apart', async () => {
  const tensor = (value: number): Tensor => ({ dtype: 'F32', shape: [1], data: Float32Array.of(value) });
  const given: Record<string, Record<string, number>> = {};
  const named = (name: string, key: string, value: number): Callback => ({
    name,
    saveState: () => ({ [key]: tensor(value) }),
    loadState: (state) =>
      void (given[name] = Object.fromEntries(
        Object.entries(state).map(
          ([
            k,
            {
              data: [x],
            },
          ]) => [k, Number(x)],
        ),
      )),
  });
  const callbacks = [named('a', 'b.x', 1), named('a.b', 'x', 2), named('', 'x', 3)];
  const learn = await makeLearner();
  const saved: Uint8Array[] = [];
  await learn.fitOneCycle(2, 0.02, { callbacks, checkpoint: (bytes) => void saved.push(bytes) });
  const resumed = await makeLearner();
  await resumed.fitOneCycle(2, 0.02, { resume: decodeCheckpoint(saved[0]), callbacks });
  assert.equal(given, { a: { 'b.x': 1 }, 'a.b': { x: 2 }, '': { x: 3 } });
  for (const each of [learn, resumed]) each.release();
});

test.run();
