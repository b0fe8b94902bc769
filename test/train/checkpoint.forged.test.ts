/** Checkpoints that were changed and given the checksum of the change: a checksum is no trust. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileFormatError } from '../../src/base/errors.js';
import { fingerprint, fingerprintText } from '../../src/base/fingerprint.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../../src/base/safetensors.js';
import { keepBest } from '../../src/train/callbacks.js';
import { decodeCheckpoint } from '../../src/train/checkpoint.js';
import type { CollabLearner } from '../../src/train/learner.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { smallData } from '../helpers/data.js';
import { sharedGpu } from '../helpers/gpu.js';
import { refusal } from '../helpers/refusal.js';

const test = suite('forged checkpoint');

const data = smallData();
const learner = async () => collabLearner(data, { nFactors: 3, yRange: [0, 5.5], gpu: await sharedGpu() });

/** Of the second fit of a learner, after two of its three epochs. */
const genuine = await (async () => {
  const saved: Uint8Array[] = [];
  const learn = await learner();
  await learn.fit(1, 0.02);
  await learn.fitOneCycle(3, 0.02, { callbacks: [keepBest()], checkpoint: (bytes) => void saved.push(bytes) });
  learn.release();
  return saved[1];
})();

interface Parts {
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
}

/** A checkpoint with changed parts and the checksum that goes with them. */
function forge(change: (parts: Parts) => void): Uint8Array {
  const read = readSafetensors(genuine);
  const copies = Object.entries(read.tensors).map(([name, { dtype, shape, data: array }]) => [name, { dtype, shape, data: array.slice() }]);
  const { checksum: _, ...metadata } = read.metadata;
  const parts: Parts = { tensors: Object.fromEntries(copies), metadata };
  change(parts);
  const names = Object.keys(parts.tensors).sort();
  const described = JSON.stringify([
    names.map((name) => [name, parts.tensors[name].dtype, parts.tensors[name].shape]),
    Object.entries(parts.metadata).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
  const checksum = fingerprintText(`${described} ${fingerprint(...names.map((name) => parts.tensors[name].data))}`);
  return writeSafetensors(parts.tensors, { ...parts.metadata, checksum });
}

let victim: CollabLearner | undefined;
const kept = keepBest();

/** Goes on from a checkpoint, but makes no step. */
async function resume(bytes: Uint8Array): Promise<void> {
  victim ??= await learner();
  const signal = AbortSignal.abort();
  await victim.fitOneCycle(3, 0.02, { callbacks: [kept], resume: decodeCheckpoint(bytes), signal });
  victim.release();
  victim = undefined;
}

/** All that a resume could overwrite. */
async function whole() {
  const { trainer, history, embeddings } = (victim ??= await learner());
  const state = fingerprint(...(Object.values(await embeddings.readState()) as Float32Array[]));
  return JSON.stringify([state, trainer.stepCount, trainer.epochCount, history]);
}

async function assertUnchanged(bytes: Uint8Array, name: string): Promise<string> {
  const before = await whole();
  const { message } = await refusal(() => resume(bytes), FileFormatError);
  assert.ok(victim !== undefined, name);
  assert.is(await whole(), before, name);
  return message;
}

const f32 = (...values: number[]): Tensor => ({ dtype: 'F32', shape: [values.length], data: Float32Array.from(values) });
const f64 = (...values: number[]): Tensor => ({ dtype: 'F64', shape: [values.length], data: Float64Array.from(values) });
const tensor = (name: string, value: Tensor) => (parts: Parts) => void (parts.tensors[name] = value);
const without = (name: string) => (parts: Parts) => void delete parts.tensors[name];
const text = (name: string, value: string) => (parts: Parts) => void (parts.metadata[name] = value);
const json = (name: string, change: object) => (parts: Parts) =>
  void (parts.metadata[name] = JSON.stringify({ ...(JSON.parse(parts.metadata[name]) as object), ...change }));
const element = (name: string, at: number, value: number) => (parts: Parts) =>
  void ((parts.tensors[name].data as Float64Array)[at] = value);
const longer = (name: string, nMore: number) => (parts: Parts) => {
  const { data: array } = parts.tensors[name] as { data: Float64Array };
  parts.tensors[name] = f64(...array, ...Array.from({ length: nMore }, () => 0.01));
};

const forgeries: [name: string, change: (parts: Parts) => void, message: RegExp][] = [
  ...['config', 'plan', 'progress'].map((name): (typeof forgeries)[0] => [
    `no ${name}`,
    (parts) => void delete parts.metadata[name],
    new RegExp(`its metadata lack ${name}`),
  ]),
  ...['param', 'losses', 'lrs', 'smoothLosses', 'beta1s', 'epochs'].map((name): (typeof forgeries)[0] => [
    `no ${name}`,
    without(name),
    new RegExp(`the tensor ${name} is missing`),
  ]),
  ['no math', (parts) => void delete parts.metadata['math'], /its metadata lack adapter or math/],
  ['a plan that is not JSON', text('plan', '{'), /its plan is not JSON/],
  ['a plan that is null', text('plan', 'null'), /its plan is not an object/],
  ['a plan too deep', text('plan', '['.repeat(1e6)), /its plan has brackets 1000000 deep/],
  ['a plan without callbacks', json('plan', { callbacks: null }), /no list of callbacks/],
  ['two callbacks of one name', json('plan', { callbacks: ['a', 'a'] }), /each with a name of its own/],
  ['a plan that begins before the first step', json('plan', { firstStep: -1 }), /its plan begins at step -1 and epoch 1/],
  ['a plan that begins nowhere', json('plan', { firstEpoch: 'x' }), /its plan begins at step 50 and epoch "x"/],
  ['a beta1 that is none', json('plan', { beta1: '1' }), /its plan has beta1 "1"/],
  ['another config', json('config', { wd: 7 }), /of another run: its wd is 7/],
  ['a config that is a list', text('config', '[]'), /its config is not an object/],
  ['a negative stepCount', json('progress', { stepCount: -1 }), /its progress is not epochs/],
  ['another stepCount', json('progress', { stepCount: 1 }), /its stepCount is 1/],
  ['an epochCount that is no number', json('progress', { epochCount: 'x' }), /its progress is not epochs/],
  ['another epochCount', json('progress', { epochCount: 9 }), /its epochCount is 9/],
  ['stopped that is a number', json('progress', { stopped: -1 }), /its progress is not epochs/],
  ['an unknown word of progress', json('progress', { more: 1 }), /its progress is not epochs/],
  ['more epochs than records', json('progress', { epochs: 9, epochCount: 10 }), /no records of the 9 epochs/],
  ['a param of another length', tensor('param', f32(1, 2, 3)), /param has the shape \[3\]/],
  ['a param of another shape', tensor('param', { dtype: 'F32', shape: [1, 3], data: new Float32Array(3) }), /m has the shape \[/],
  ['a param of float64', tensor('param', f64(1)), /param is F64, not F32/],
  ['a NaN in param', element('param', 3, NaN), /param\[3\] is NaN, not a finite number/],
  ['an infinite v', element('v', 0, Infinity), /v\[0\] is Infinity, not a finite number/],
  ['no v', without('v'), /The state must have/],
  ['losses of I64', tensor('losses', { dtype: 'I64', shape: [1], data: BigInt64Array.of(1n) }), /losses is I64, not F32/],
  ['losses in a table', tensor('losses', { dtype: 'F32', shape: [1, 1], data: Float32Array.of(1) }), /is not a list/],
  ['lrs too many', longer('lrs', 1), /it has 150 losses, but 151 lrs/],
  ['a negative lr', element('lrs', 0, -1), /not all its lrs are positive/],
  ['a beta1 of 1', element('beta1s', 0, 1), /not all its beta1s lie in/],
  ['a rate that the schedule has not', element('lrs', 100, 0.5), /the rates of step 50 are not those of the schedule/],
  [
    'losses that are too few',
    (parts) =>
      ['smoothLosses', 'lrs', 'beta1s'].forEach((name) => {
        parts.tensors[name] = f64(0.1);
        parts.tensors['losses'] = f32(0.1);
      }),
    /it has 2 epochs, more than its losses or the fit/,
  ],
  ['epochs in a list', tensor('epochs', f64(1)), /epochs has the shape \[1\]/],
  ['an epoch that is none', element('epochs', 9, -1), /row 1 of epochs is no record/],
  ['epochs in another order', element('epochs', 9, 1), /no records of the 2 epochs/],
  ['a negative error', element('epochs', 13, -1), /row 1 of epochs is no record/],
  ['a tensor too many', tensor('more', f32(1)), /it has a tensor "more"/],
  ['the tensor of a callback that is not there', tensor('callback 1.x', f32(1)), /it has a tensor "callback 1\.x"/],
  [
    'no best epoch',
    (parts) => Object.keys(parts.tensors).forEach((name) => name.startsWith('callback') && delete parts.tensors[name]),
    /the state of keepBest/,
  ],
  ['another best epoch', tensor('callback 0.epoch', f64(0, 0, 0)), /the state of keepBest\(validLoss\) is not one that it saved/],
  ['a best model of another length', tensor('callback 0.param', f32(1)), /the state of keepBest/],
  ['a best model that is not finite', element('callback 0.m', 5, NaN), /the state of keepBest/],
  ['a best model with more', tensor('callback 0.more', f32(1)), /the state of keepBest/],
];
for (const [name, change, message] of forgeries) {
  test(`refused, and nothing is changed: ${name}`, async () => {
    const said = await assertUnchanged(forge(change), name);
    assert.match(said, message);
    assert.match(said, /^(Not a usable checkpoint[^]*|The checkpoint is of another run: [^]*)\.$/);
  });
}

test('the checksum of these tests is right: what is not changed is resumed', async () => {
  await resume(forge(() => undefined));
  assert.is(kept.best?.epoch, 1);
});

/** Numbers of the model and of its past, which nobody can tell from right ones, and texts that only warn. */
const FREE = /^(param|m|v|losses|smoothLosses|epochs|callback 0\.(param|m|v)|version|adapter|math|lrs|beta1s)$/;

test('whatever is changed is refused with nothing changed, or is a plain number in its range', async () => {
  const names = Object.keys(readSafetensors(genuine).tensors);
  const odd = fc.constantFrom<unknown>(-1, 0, 0.5, 2, 1e9, 2 ** 53, 1e308, 'x', '', null, true, [], {}, [[1]], { a: 1 }, NaN, Infinity);
  const number = fc.constantFrom(-1, 0, 1, 1e-9, 1e30, NaN, Infinity, -0);
  const change = fc.oneof(
    fc.record({ kind: fc.constant('text'), name: fc.constantFrom('config', 'plan', 'progress'), key: fc.nat(), odd }),
    fc.record({
      kind: fc.constant('metadata'),
      name: fc.constantFrom('config', 'plan', 'progress', 'version', 'adapter', 'math', 'more'),
      odd,
    }),
    fc.record({ kind: fc.constant('element'), name: fc.constantFrom(...names), at: fc.nat(), number }),
    fc.record({ kind: fc.constantFrom('drop', 'retype', 'reshape', 'cut', 'rename'), name: fc.constantFrom(...names) }),
  ) as fc.Arbitrary<{ kind: string; name: string; key: number; odd: unknown; at: number; number: number }>;
  const outcomes = { refused: 0, accepted: 0 };
  await fc.assert(
    fc.asyncProperty(change, async ({ kind, name, key, odd: value, at, number: to }) => {
      let isSame = false;
      const bytes = forge(({ tensors, metadata }) => {
        const found = tensors[name];
        if (kind === 'text') {
          const fields = JSON.parse(metadata[name]) as Record<string, unknown>;
          const keys = [...Object.keys(fields), 'more'];
          const field = keys[key % keys.length];
          // Whether a callback had stopped the fit cannot be told from the rest.
          isSame = JSON.stringify(fields[field]) === JSON.stringify(value) || (field === 'stopped' && value === true);
          metadata[name] = JSON.stringify({ ...fields, [field]: value });
        } else if (kind === 'metadata') metadata[name] = typeof value === 'string' ? value : JSON.stringify(value);
        else if (kind === 'element') {
          const array = found.data as Float64Array;
          isSame = array[at % array.length] === to;
          array[at % array.length] = to;
        } else if (kind === 'drop') delete tensors[name];
        else if (kind === 'retype')
          tensors[name] = { dtype: 'U32', shape: found.shape, data: Uint32Array.from(found.data as Float64Array) };
        else if (kind === 'reshape') tensors[name] = { ...found, shape: [...found.shape, 1] } as Tensor;
        else if (kind === 'cut') tensors[name] = { ...found, shape: [found.data.length - 1], data: found.data.slice(1) } as Tensor;
        else {
          tensors[`${name}x`] = found;
          delete tensors[name];
        }
      });
      const before = await whole();
      const error = await resume(bytes).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      outcomes[error === undefined ? 'accepted' : 'refused']++;
      if (error !== undefined) {
        assert.instance(error, FileFormatError, `${kind} ${name}: ${String(error)}`);
        assert.is(await whole(), before);
      } else if (!isSame && !(kind === 'metadata' && name === 'more')) {
        assert.match(name, FREE, `${kind} ${key} ${JSON.stringify(value)} ${to}`);
        assert.ok(kind === 'element' || kind === 'metadata', kind);
      }
    }),
    { numRuns: 400, seed: 15 },
  );
  assert.ok(outcomes.refused > 200, JSON.stringify(outcomes));
});

test.run();
