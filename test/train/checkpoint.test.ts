import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { adam } from '../../shaders/ops/adam.js';
import { mse } from '../../shaders/ops/loss.js';
import { sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { FileFormatError } from '../../src/base/errors.js';

import { readSafetensors, writeSafetensors } from '../../src/base/safetensors.js';
import { VERSION } from '../../src/base/version.js';
import { CollabData } from '../../src/data/collab-data.js';
import { plantedRatings } from '../../src/data/planted.js';
import { earlyStopping, keepBest } from '../../src/train/callbacks.js';
import { decodeCheckpoint, encodeCheckpoint, resumeWarnings } from '../../src/train/checkpoint.js';
import { dataFingerprint } from '../../src/train/identity.js';
import type { Callback } from '../../src/train/fit.js';
import type { CollabLearner, OneCycleFitOptions } from '../../src/train/learner.js';
import { collabLearner } from '../../src/train/make-learner.js';
import { STEPPERS } from '../../src/train/choose-stepper.js';
import type { StepperFactory } from '../../src/steps/stepper.js';
import type { LearnerOptions } from '../../src/train/options.js';
import { sharedGpu } from '../helpers/gpu.js';
import { randomSource } from '../helpers/random.js';
import { refusal } from '../helpers/refusal.js';
import { sameBits } from '../helpers/training.js';

const test = suite('checkpoint');

const { columns } = plantedRatings({ nUsers: 60, nItems: 80, nRatings: 1200 });
const data = CollabData.fromArrays(columns, { batchSize: 16 });
const learner = async (options: LearnerOptions = {}, of = data) =>
  collabLearner(of, { nFactors: 5, yRange: [0, 5.5], wd: 0.1, gpu: await sharedGpu(), ...options });

/** The checkpoints of all epochs of a fit. */
async function checkpointsOf(learn: CollabLearner, fit: (options: OneCycleFitOptions) => Promise<unknown>): Promise<Uint8Array[]> {
  const saved: Uint8Array[] = [];
  await fit({ checkpoint: (bytes) => void saved.push(bytes) });
  learn.release();
  return saved;
}

/** All that a fit leaves behind, seconds apart. */
async function outcome(learn: CollabLearner) {
  const { losses, smoothLosses, lrs, beta1s, epochs } = learn.history;
  const { stepCount, epochCount } = learn.trainer;
  const table = epochs.map(({ epoch, trainLoss, valid }) => [epoch, trainLoss, valid.loss, valid.mae]);
  const state = Object.values(await learn.embeddings.readState()).map((array) => Array.from(array));
  learn.release();
  return { losses, smoothLosses, lrs, beta1s, table, stepCount, epochCount, beta1: learn.beta1, state };
}

/** What a resume is refused with. */
const refused = async (work: () => unknown) => (await refusal(work, FileFormatError)).message;

for (const stepper of ['lazy', 'persistent', 'dense'] as const) {
  test(`a fit resumed from any epoch ends with the bits of one never interrupted (${stepper})`, async () => {
    const whole = await learner({ stepper });
    const saved: Uint8Array[] = [];
    const records = await whole.fitOneCycle(4, 0.02, { checkpoint: (bytes) => void saved.push(bytes) });
    const expected = await outcome(whole);
    assert.is(saved.length, 4);
    for (const bytes of saved) {
      const learn = await learner({ stepper });
      const resumed = await learn.fitOneCycle(4, 0.02, { resume: decodeCheckpoint(bytes) });
      assert.equal(
        resumed.map(({ validLoss }) => validLoss),
        records.map(({ validLoss }) => validLoss),
      );
      assert.equal(await outcome(learn), expected);
    }
  });
}

test('a fit in submissions of another length is resumed with that length', async () => {
  const options = { stepsPerSubmission: 7 };
  const whole = await learner(options);
  const saved: Uint8Array[] = [];
  await whole.fit(2, 0.02, { checkpoint: (bytes) => void saved.push(bytes) });
  const learn = await learner(options);
  await learn.fit(2, 0.02, { resume: decodeCheckpoint(saved[0]) });
  assert.equal(await outcome(learn), await outcome(whole));
});

test('the second fit of a learner is resumed with the history of the first', async () => {
  for (const defaults of ['fastai1', 'fastai2'] as const) {
    const whole = await learner({ defaults });
    const saved: Uint8Array[] = [];
    await whole.fitOneCycle(2, 0.02);
    await whole.fit(3, 0.01, { checkpoint: (bytes) => void saved.push(bytes) });
    const learn = await learner({ defaults });
    await learn.fit(3, 0.01, { resume: decodeCheckpoint(saved[1]) });
    assert.is(learn.history.epochs.length, 5);
    assert.equal(await outcome(learn), await outcome(whole));
  }
});

test('callbacks go on after a resume: early stopping stops at the same epoch, keepBest finds the same model', async () => {
  const run = async (options: OneCycleFitOptions) => {
    const learn = await learner();
    const best = keepBest();
    await learn.fit(30, 0.03, { callbacks: [earlyStopping({ patience: 3 }), best], ...options });
    return { best: best.best, ...(await outcome(learn)) };
  };
  const saved: Uint8Array[] = [];
  const expected = await run({ checkpoint: (bytes) => void saved.push(bytes) });
  assert.ok(saved.length < 30 && expected.best!.epoch === saved.length - 4, `stopped after ${saved.length}`);
  for (const at of [1, saved.length - 2, saved.length - 1]) {
    assert.equal(await run({ resume: decodeCheckpoint(saved[at]) }), expected);
  }
});

test('a checkpoint survives its own trip and knows what wrote it', async () => {
  const learn = await learner();
  const state: Float32Array[] = [];
  let bytes!: Uint8Array;
  await learn.fit(1, 0.01, {
    checkpoint: async (saved) => {
      bytes = saved;
      state.push(...Object.values(await learn.embeddings.readState()));
    },
  });
  const checkpoint = decodeCheckpoint(bytes);
  Object.values(checkpoint.state).forEach((array, i) => assert.ok(sameBits(array, state[i])));
  assert.equal(checkpoint.history, learn.history);
  assert.is(checkpoint.adapter, learn.gpu.info.description);
  assert.is(checkpoint.version, VERSION);
  assert.equal(resumeWarnings(checkpoint, learn), []);
  const [adapter, math, version] = resumeWarnings({ ...checkpoint, adapter: 'Voodoo 2', math: '0', version: '0.0.1' }, learn);
  assert.match(adapter, 'made on Voodoo 2');
  assert.match(math, 'in another JavaScript engine');
  assert.match(version, 'by dotbias 0.0.1');
  learn.release();
});

test('an empty validation set, whose losses are NaN, comes back as NaN', async () => {
  const none = CollabData.fromArrays(columns, { batchSize: 16, validPct: 0 });
  const [bytes] = await learner({}, none).then((learn) => checkpointsOf(learn, (options) => learn.fit(2, 0.01, options)));
  const { history } = decodeCheckpoint(bytes);
  assert.ok(Number.isNaN(history.epochs[0].validLoss) && Number.isFinite(history.epochs[0].trainLoss));
});

const ratings = Float32Array.from(columns.ratings);
ratings[5] = ratings[5] === 5 ? 1 : 5;
const rated = CollabData.fromArrays({ ...columns, ratings }, { batchSize: 16 });
const largerTrain = CollabData.fromArrays(columns, { batchSize: 16, validPct: 0.1 });
/** An op of the same name, whose WGSL is another text. */
const rewritten = <T extends { wgsl: string }>(op: T): T => ({ ...op, wgsl: `${op.wgsl}\n` });
const usualRange = sigmoidRange([0, 5.5]);

/** Lazy steps, as if by kernels of another version. */
const rewrittenStepper: StepperFactory = {
  ...STEPPERS.lazy,
  create: async (input) => ({ ...(await STEPPERS.lazy.create(input)), source: '0' }),
};

const others: [message: RegExp, options: LearnerOptions, of?: CollabData, fit?: Parameters<CollabLearner['fitOneCycle']>][] = [
  [/its wd is 0\.1, here it is 0\.2/, { wd: 0.2 }],
  [/its wdBias is 0\.1, here it is 0/, { wdBias: 0 }],
  [/its nFactors is 5, here it is 6/, { nFactors: 6 }],
  [/its hasBias is true, here it is false/, { bias: false }],
  [/its range is "sigmoidRange", here it is "identity"/, { yRange: null }],
  [/its rangeConstants is \{"lo":0,"hi":5\.5\}, here it is \{"lo":0,"hi":5\}/, { yRange: [0, 5] }],
  [/its optimizerConstants is .*"eps":1e-8\}, here it is .*"eps":0\.001\}/, { eps: 1e-3 }],
  [/its loss is "mse", here it is "mine"/, { loss: { ...mse, name: 'mine' } }],
  [/fingerprint of the loss op/, { loss: rewritten(mse) }],
  [/fingerprint of the optimiser/, { optimizer: rewritten(adam()) }],
  [/fingerprint of the score op/, { score: rewritten(dotProduct) }],
  [/fingerprint of the range op/, { yRange: undefined, range: rewritten(usualRange) }],
  [/its lossConstants is \{\}, here it is \{"delta":1\}/, { loss: { ...mse, uniforms: { delta: 1 } } }],
  [/its seed is 42, here it is 43/, { seed: 43 }],
  [/its stepper is "lazy", here it is "dense"/, { stepper: 'dense' }],
  [/its number of steps per submission is 60, here it is 7\./, { stepsPerSubmission: 7 }],
  [/its fingerprint of the kernels that make steps is "[0-9a-f]{16}", here it is "0"\./, { stepper: rewrittenStepper }],
  [/fingerprint of the order of the ratings/, { order: (epoch) => Uint32Array.from({ length: 960 }, (_, k) => (k + epoch) % 960) }],
  [/fingerprint of the ratings/, {}, rated],
  [/number of training ratings is 960, here it is 1080/, {}, largerTrain],
  [/its batchSize is 16, here it is 32/, {}, CollabData.fromArrays(columns, { batchSize: 32 })],
  [/number of epochs is 3, here it is 4/, {}, data, [4, 0.02]],
  [/its lrMax is 0\.02, here it is 0\.01/, {}, data, [3, 0.01]],
  [/its pctStart is the default, here it is 0\.5/, {}, data, [3, 0.02, { pctStart: 0.5 }]],
  [/its callbacks is \[\], here it is \["keepBest\(validLoss\)"\]/, {}, data, [3, 0.02, { callbacks: [keepBest()] }]],
];

const [firstOfThree] = await learner().then((learn) => checkpointsOf(learn, (options) => learn.fitOneCycle(3, 0.02, options)));
for (const [message, options, of = data, [epochs, lr, fitOptions] = [3, 0.02]] of others) {
  test(`a checkpoint of another run is refused, and nothing is changed: ${message.source}`, async () => {
    const other = await learner(options, of);
    const before = await other.tables();
    const resume = decodeCheckpoint(firstOfThree);
    const sentence = await refused(() => other.fitOneCycle(epochs, lr, { ...fitOptions, resume }));
    assert.match(sentence, message);
    assert.match(
      sentence,
      /^The checkpoint is of another run: its .* Resume with what it was made with, or start anew in another folder\.$/,
    );
    assert.equal(await other.tables(), before);
    assert.is(other.trainer.stepCount, 0);
    other.release();
  });
}

test('a checkpoint of a fit under another policy is refused', async () => {
  const learn = await learner();
  assert.match(
    await refused(() => learn.fit(3, 0.02, { resume: decodeCheckpoint(firstOfThree) })),
    /its policy is "fitOneCycle", here it is "fit"/,
  );
  learn.release();
});

test('a checkpoint of an equal fit before is not taken for one of this fit', async () => {
  const learn = await learner();
  const saved: Uint8Array[] = [];
  await learn.fitOneCycle(3, 0.02, { checkpoint: (bytes) => void saved.push(bytes) });
  const sentence = await refused(() => learn.fitOneCycle(3, 0.02, { resume: decodeCheckpoint(saved[2]) }));
  assert.match(sentence, /its number of steps made before the fit is 0, here it is 180/);
  assert.is(learn.trainer.stepCount, 180);
  learn.release();
});

test('a checkpoint that a callback encodes for itself can be resumed', async () => {
  let bytes!: Uint8Array;
  const callback: Callback = {
    onEpoch: async ({ epoch }, fit) => {
      if (epoch === 1) bytes = await encodeCheckpoint(fit);
    },
  };
  const whole = await learner();
  await whole.fit(3, 0.02, { callbacks: [callback] });
  const resumed = await learner();
  await resumed.fit(3, 0.02, { resume: decodeCheckpoint(bytes) });
  assert.equal(await outcome(resumed), await outcome(whole));
});

test('a file that is cut off or has a bit changed anywhere is refused', async () => {
  const learn = await learner();
  const [bytes] = await checkpointsOf(learn, (options) => learn.fit(1, 0.01, options));
  assert.ok(decodeCheckpoint(bytes));
  const random = randomSource(3);
  for (let i = 0; i < 60; i++) {
    const cut = bytes.subarray(0, Math.floor(random() * bytes.length));
    assert.throws(
      () => decodeCheckpoint(cut),
      (error: Error) => error instanceof FileFormatError,
      `cut at ${cut.length}`,
    );
    const damaged = bytes.slice();
    const at = Math.floor(random() * (i % 2 ? bytes.length : 2000));
    damaged[at] ^= 1 << Math.floor(8 * random());
    if (JSON.stringify(readHeader(damaged)) === JSON.stringify(readHeader(bytes)) && at < 2000) continue; // white space
    assert.throws(
      () => decodeCheckpoint(damaged),
      (error: Error) => error instanceof FileFormatError,
      `byte ${at}`,
    );
  }
  const { tensors, metadata } = readSafetensors(bytes);
  assert.throws(() => decodeCheckpoint(writeSafetensors(tensors, { ...metadata, progress: '{"epochs":0}' })), /checksum/);
  assert.throws(
    () => decodeCheckpoint(writeSafetensors({}, { format: 'dotbias checkpoint 1', version: '0.1.0' })),
    /^This is a dotbias checkpoint 1, of dotbias 0\.1\.0, and this dotbias \S+ reads only a dotbias checkpoint 3: end that run with /,
  );
  assert.throws(() => decodeCheckpoint(writeSafetensors({}, {})), /format is "not given"/);
});

/** The text of a safetensors header; its bytes where it is none. */
function readHeader(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.subarray(8, 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true))).toString('latin1');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

test('the fingerprint of data depends on every rating, id and place', () => {
  const other = (change: (copy: { users: number[]; items: number[]; ratings: number[] }) => void) => {
    const copy = { users: Array.from(columns.users), items: Array.from(columns.items), ratings: Array.from(columns.ratings) };
    change(copy);
    return dataFingerprint(CollabData.fromArrays(copy, { batchSize: 16 }));
  };
  const own = dataFingerprint(data);
  assert.is(
    other(() => undefined),
    own,
  );
  const last = columns.ratings.length - 1;
  assert.is.not(
    other(({ ratings }) => {
      ratings[last] += 0.5;
    }),
    own,
  );
  assert.is.not(
    other(({ users }) => {
      users.forEach((id, k) => {
        users[k] = id + 1000;
      });
    }),
    own,
  );
  assert.is.not(
    other(({ users, items, ratings }) => {
      users.reverse();
      items.reverse();
      ratings.reverse();
    }),
    own,
  );
});

test('a fit resumed at any epoch, for any sizes and schedule, ends with the bits of one never interrupted', async () => {
  const cases = fc.record({
    stepper: fc.constantFrom('lazy', 'dense', 'persistent', 'unfused'),
    nFactors: fc.integer({ min: 1, max: 9 }),
    batchSize: fc.constantFrom(16, 40, 100),
    epochs: fc.integer({ min: 2, max: 4 }),
    at: fc.nat(),
    policy: fc.constantFrom('fit', 'fitOneCycle'),
    before: fc.boolean(),
    bias: fc.boolean(),
    defaults: fc.constantFrom('fastai1', 'fastai2'),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ batchSize, epochs, at, policy, before, ...options }) => {
      const of = CollabData.fromArrays(columns, { batchSize });
      const saved: Uint8Array[] = [];
      const whole = await learner(options as LearnerOptions, of);
      if (before) await whole.fitOneCycle(1, 0.03);
      await whole[policy as 'fit'](epochs, 0.02, { checkpoint: (bytes) => void saved.push(bytes) });
      const resumed = await learner(options as LearnerOptions, of);
      await resumed[policy as 'fit'](epochs, 0.02, { resume: decodeCheckpoint(saved[at % epochs]) });
      assert.equal(await outcome(resumed), await outcome(whole));
    }),
    { numRuns: 12, seed: 11 },
  );
});

test('the version is that of package.json', () => {
  const file = new URL('../../../package.json', import.meta.url);
  assert.is(VERSION, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version);
});

test('a mutated or truncated checkpoint is refused in a sentence, or says just what it said before', async () => {
  const learn = await learner();
  const [bytes] = await checkpointsOf(learn, (options) => learn.fitOneCycle(1, 0.01, options));
  const plain = (checkpoint: ReturnType<typeof decodeCheckpoint>) =>
    JSON.stringify(checkpoint, (_key, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value));
  const whole = plain(decodeCheckpoint(bytes));
  const header = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const place = fc.oneof(fc.nat(7), fc.nat(header - 1), fc.nat(bytes.length - 1));
  const mutation = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(mutation, fc.option(fc.nat(bytes.length - 1), { freq: 4 }), (changes, length) => {
      const damaged = bytes.slice(0, length ?? bytes.length);
      for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
      try {
        assert.is(plain(decodeCheckpoint(damaged)), whole);
      } catch (error) {
        assert.instance(error, FileFormatError);
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});

test.run();
