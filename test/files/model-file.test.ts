import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { identity, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { DotbiasError, FileFormatError } from '../../src/base/errors.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../../src/base/safetensors.js';
import { CollabData } from '../../src/data/collab-data.js';
import { textTensors } from '../../src/files/id-tensors.js';
import { decodeModel, encodeModel, loadModel, type ModelOps, trainingConfig } from '../../src/files/model-file.js';
import { Gpu } from '../../src/gpu/gpu.js';
import { collabLearner } from '../../src/train/make-learner.js';
import type { LearnerOptions } from '../../src/train/options.js';
import { freshDevice, sharedGpuOrNull } from '../helpers/gpu.js';
import { negativeSquaredDistance, softplusAbove } from '../helpers/ops.js';
import { assertRefused } from '../helpers/refusal.js';

const test = suite('model file');
const gpu = await sharedGpuOrNull();

/** 5 users rate 6 items; items are named. */
const data = CollabData.fromRows(
  Array.from({ length: 30 }, (_, k) => [k % 5, `item ${(k * 7) % 6}`, 1 + (k % 5)] as const),
  {
    seed: 3,
    batchSize: 8,
    titles: new Map([
      ['item 2', 'Zwei "é" 二'],
      ['item 4', 'Four'],
      ['elsewhere', 'Unrated'],
    ]),
  },
);

async function trained(options: LearnerOptions = {}) {
  const learn = await collabLearner(data, { nFactors: 6, yRange: [0, 5.5], wd: 0.1, gpu: gpu!, ...options });
  await learn.fitOneCycle(2, 0.05);
  return learn;
}

test('a path, or anything else that is not bytes, is refused with a word on what to give', async () => {
  for (const wrong of ['model.safetensors', undefined, null, new ArrayBuffer(8), {}, new Float32Array(4)]) {
    await assertRefused(
      () => loadModel(wrong as unknown as Uint8Array),
      /^loadModel and decodeModel take bytes, not .*: give the content of the file as a Uint8Array, its path to loadModelFile/,
      TypeError,
    );
  }
});

const users = [0, 1, 2, 3, 4, 99, 0];
const items = ['item 0', 'item 1', 'item 2', 'item 3', 'item 4', 'item 5', 'nowhere'];

for (const options of [{}, { bias: false }, { yRange: null }] satisfies LearnerOptions[]) {
  test(`a model that is saved and loaded predicts the same bits: ${JSON.stringify(options)}`, async () => {
    const learn = await trained(options);
    const before = await learn.predict(users, items);
    const loaded = await loadModel(await encodeModel(learn), { gpu: gpu! });
    assert.equal(await loaded.predict(users, items), before);
    assert.equal(loaded.info.users.ids, data.users.ids);
    assert.equal(loaded.info.items.ids, data.items.ids);
    assert.equal(loaded.yRange, learn.yRange);
    assert.is(await loaded.residualVariance(), (await learn.validate()).mse);
    assert.is(loaded.embeddings.shape.hasBias, learn.embeddings.shape.hasBias);
    assert.is(loaded.titleOf('item 2'), 'Zwei "é" 二');
    assert.is(loaded.titleOf('item 0'), undefined);
    loaded.release();
    learn.release();
  });
}

test('tensors have the names, shapes and order of rows that the format promises', async () => {
  const learn = await trained();
  const { tensors, metadata } = readSafetensors(await encodeModel(learn, { training: trainingConfig(learn) }));
  const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { dtype, shape }]) => [name, `${dtype} ${shape}`]));
  assert.equal(shapes, {
    userFactors: 'F32 6,6',
    itemFactors: 'F32 7,6',
    userBias: 'F32 6',
    itemBias: 'F32 7',
    trainUsers: 'U32 24',
    trainItems: 'U32 24',
    trainRatings: 'F32 24',
    validUsers: 'U32 6',
    validItems: 'U32 6',
    userIds: 'I64 6',
    itemIds: 'U8 40',
    itemIdsOffsets: 'I64 8',
    titles: 'U8 17',
    titlesOffsets: 'I64 8',
  });
  const tables = await learn.tables();
  for (const name of ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const) assert.equal(tensors[name].data, tables[name]);
  assert.equal(Array.from(tensors['userIds'].data, Number), [-1, 0, 1, 2, 3, 4]);
  const texts = (name: string) => {
    const offsets = Array.from(tensors[`${name}Offsets`].data, Number);
    return offsets.slice(1).map((end, k) => new TextDecoder().decode((tensors[name].data as Uint8Array).subarray(offsets[k], end)));
  };
  assert.equal(texts('itemIds'), ['#na#', ...Array.from({ length: 6 }, (_, k) => `item ${k}`)]);
  assert.equal(texts('titles'), ['', '', '', 'Zwei "é" 二', '', 'Four', '']);
  const { training, ...config } = JSON.parse(metadata['config']) as Record<string, unknown>;
  assert.equal(config, {
    nFactors: 6,
    bias: true,
    yRange: [0, 5.5],
    score: { name: 'dotProduct', constants: {} },
    range: { name: 'sigmoidRange', constants: { lo: 0, hi: 5.5 } },
    residualVariance: (await learn.validate()).mse,
  });
  assert.equal(training, trainingConfig(learn));
  assert.equal(training, {
    defaults: 'fastai1',
    loss: 'mse',
    optimizer: 'adam',
    beta2: 0.99,
    eps: 1e-8,
    batchSize: 8,
    wd: 0.1,
    wdBias: 0.1,
    stepper: 'lazy',
    data: data.name,
    seed: 3,
    steps: 6,
    epochs: 2,
  });
});

test('training ratings are kept, so that a loaded model leaves out what was rated; or they are not', async () => {
  const learn = await trained();
  const loaded = await loadModel(await encodeModel(learn), { gpu: gpu! });
  assert.equal(loaded.info.train, learn.data.train);
  assert.equal(loaded.info.valid, learn.info.valid);
  assert.equal(await loaded.recommend(2), await learn.recommend(2));
  assert.equal(await encodeModel(loaded), await encodeModel(learn), 'saved again they are still there');
  const without = await encodeModel(learn, { ratings: false });
  const bare = decodeModel(without);
  assert.equal([bare.train, bare.valid], [undefined, undefined]);
  const names = Object.keys(readSafetensors(without).tensors).filter((name) => /^(train|valid)/.test(name));
  assert.equal(names, []);
});

test('the same model gives the same bytes', async () => {
  const learn = await trained();
  assert.equal(await encodeModel(learn), await encodeModel(learn));
});

test('a model that is not finite is not saved', async () => {
  const learn = await trained();
  const [{ gpu: device, param, layout }] = learn.embeddings.parts;
  device.write(param, Float32Array.of(NaN), 4 * layout.rowStride * layout.shape.nUsers);
  await assertRefused(
    () => encodeModel(learn),
    /^The model cannot be saved: itemFactors holds values that are not finite numbers\.$/,
    DotbiasError,
  );
  await assertRefused(() => encodeModel(learn, { rating: false } as never), /did you mean ratings\?/, TypeError);
  learn.release();
});

test('a device opened for a loaded model ends with it; one that was given does not; nothing stays of a file that is refused', async () => {
  let destroyed = 0;
  const open = async () => Object.assign(Gpu.borrow(await freshDevice()), { destroy: () => destroyed++ });
  const model = await loadModel(file, {}, open);
  model.release();
  assert.is(destroyed, 1);
  await assertRefused(() => loadModel(file.subarray(0, 50), {}, open), /./, FileFormatError);
  assert.is(destroyed, 1, 'a file is read before a device is opened');
  const before = gpu!.allocated;
  (await loadModel(file, { gpu: gpu! })).release();
  assert.is(gpu!.allocated, before);
  await assertRefused(() => loadModel(file, { GPU: gpu } as never), /loadModel has no option 'GPU'; did you mean gpu\?/, TypeError);
});

/** A valid file, taken apart, changed, and put together again. */
async function tampered(
  change: (tensors: Record<string, Tensor>, metadata: Record<string, string>) => void,
  from = file,
): Promise<Uint8Array> {
  const { tensors, metadata } = readSafetensors(from);
  const parts = [{ ...tensors }, { ...metadata }] as const;
  change(...parts);
  return writeSafetensors(...parts);
}

const file = gpu === null ? new Uint8Array() : await encodeModel(await trained());
const edit =
  <T>(key: string, change: (value: T) => unknown) =>
  (_: unknown, metadata: Record<string, string>) => {
    metadata[key] = JSON.stringify(change(JSON.parse(metadata[key]) as T));
  };
const config = (changed: object) => edit<object>('config', (value) => ({ ...value, ...changed }));
const tensor = (name: string, value: Tensor) => (tensors: Record<string, Tensor>) => void (tensors[name] = value);
const ids = (name: string, values: number[]) =>
  tensor(name, { dtype: 'I64', shape: [values.length], data: BigInt64Array.from(values, BigInt) });
const set = (key: string, text: string) => (_: unknown, metadata: Record<string, string>) => void (metadata[key] = text);
const drop = (key: string) => (_: unknown, metadata: Record<string, string>) => void delete metadata[key];
const floats = (shape: number[], fill = 0): Tensor => ({
  dtype: 'F32',
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)).fill(fill),
});
const words = (shape: number[], fill = 1): Tensor => ({
  dtype: 'U32',
  shape,
  data: new Uint32Array(shape.reduce((a, b) => a * b)).fill(fill),
});

const lies: Record<string, [change: Parameters<typeof tampered>[0], message: RegExp]> = {
  'no format': [drop('format'), /metadata format/],
  'another format': [set('format', 'pt'), /metadata format/],
  'a later version': [set('formatVersion', '3'), /version is "3", and this dotbias reads "1" and "2"/],
  'no config': [drop('config'), /has no config/],
  'a config that is not JSON': [set('config', '{'), /not JSON/],
  'a config that is a list': [set('config', '[]'), /not a JSON object/],
  'a fractional nFactors': [config({ nFactors: 6.5 }), /nFactors is 6.5/],
  'another nFactors': [config({ nFactors: 5 }), /userFactors has the shape \[6,6\].*\[6,5\]/],
  'bias as text': [config({ bias: 'yes' }), /bias "yes"/],
  'biases that the config denies': [config({ bias: false }), /no biases/],
  'an error that is none': [config({ residualVariance: -1 }), /residualVariance is -1, not a positive number/],
  'a turned range': [config({ yRange: [5, 0] }), /yRange is \[5,0\]/],
  'half a range': [config({ yRange: [5] }), /yRange/],
  'a missing range': [config({ yRange: undefined }), /yRange is undefined/],
  'a config too deep': [set('config', '['.repeat(40)), /its metadata config has brackets 40 deep/],
  'a range beyond float32': [config({ yRange: [0, 1e308] }), /yRange is \[0,1e\+308\]/],
  'a range that is one number in float32': [config({ yRange: [1, 1 + 1e-12] }), /yRange is/],
  'no users': [(tensors) => void delete tensors['userIds'], /the tensor userIds is missing/],
  'an id too few': [ids('userIds', [-1, 0, 1, 2, 3]), /userFactors has the shape/],
  'an id twice': [ids('userIds', [-1, 0, 1, 2, 3, 0]), /the id 0 occurs twice among its users/],
  'a title too few': [(tensors) => void Object.assign(tensors, textTensors('titles', ['', 'a'])), /a list of 7/],
  'a missing tensor': [(tensors) => void delete tensors['userBias'], /userBias is missing/],
  'a tensor of another type': [tensor('userBias', { dtype: 'F64', shape: [6], data: new Float64Array(6) }), /F64, not F32/],
  'a tensor of another shape': [tensor('userBias', floats([6, 1])), /userBias has the shape \[6,1\]/],
  'ratings without their items': [(tensors) => void delete tensors['trainItems'], /some are missing/],
  'ratings of another type': [tensor('trainUsers', floats([24], 1)), /F32, U32 and F32, not U32, U32 and F32/],
  'ratings of different number': [tensor('trainItems', words([23])), /shapes \[24\], \[23\], \[24\]/],
  'ratings in a table': [
    (tensors) => void Object.assign(tensors, { trainUsers: words([4, 6]), trainItems: words([4, 6]), trainRatings: floats([4, 6]) }),
    /not one and the same length/,
  ],
  'a rating of #na#': [tensor('trainUsers', words([24], 0)), /trainUsers\[0\] is 0, but table rows with an id are 1 to 5/],
  'a rating of a row that is not there': [
    tensor('trainItems', words([24], 7)),
    /trainItems\[0\] is 7, but table rows with an id are 1 to 6/,
  ],
  'held-out pairs without their items': [(tensors) => void delete tensors['validItems'], /validUsers and validItems one is missing/],
  'held-out pairs of another type': [tensor('validUsers', floats([6], 1)), /validUsers and validItems are F32 and U32, not U32/],
  'held-out pairs of different number': [tensor('validItems', words([5])), /have the shapes \[6\] and \[5\]/],
  'a held-out pair of #na#': [tensor('validItems', words([6], 0)), /validItems\[0\] is 0, but table rows with an id are 1 to 6/],
  'a rating that is not finite': [tensor('trainRatings', floats([24], NaN)), /trainRatings holds/],
  'a value that is not finite': [tensor('itemFactors', floats([7, 6], Infinity)), /itemFactors holds values that are not finite/],
  'a value with which scores are infinite': [
    tensor('itemFactors', floats([7, 6], -3e38)),
    /itemFactors holds values beyond 1000000000000000/,
  ],
};
for (const [name, [change, message]] of Object.entries(lies)) {
  test(`refused: ${name}`, async () => {
    const bytes = await tampered(change);
    await assertRefused(() => decodeModel(bytes), new RegExp(`^Not a usable model file: .*${message.source}`, 's'), FileFormatError);
  });
}

const mine = softplusAbove(1);
const ops: [what: string, change: object, given: ModelOps, message: RegExp | undefined][] = [
  [
    'a score that is none of ours',
    { score: { name: 'mine', constants: {} } },
    {},
    /its score is "mine", which is none of ours: load it with \{ score \}/,
  ],
  [
    'a range that is none of ours',
    { range: { name: 'mine', constants: {} } },
    {},
    /its range is "mine", which is none of ours: load it with \{ range \}/,
  ],
  [
    'a score that is given, but not that of the file',
    {},
    { score: negativeSquaredDistance },
    /its score is "dotProduct", but the op given is "negativeSq/,
  ],
  [
    'a range that is given, but not that of the file',
    {},
    { range: identity },
    /its range is "sigmoidRange", but the op given is "identity"/,
  ],
  ['a range with other constants', {}, { range: sigmoidRange([0, 5]) }, /the constant hi of its range is 5\.5, but that of the op is 5\.$/],
  ['a range that contradicts yRange', { yRange: [0, 5] }, {}, /the constant hi of its range is 5\.5, but that of the op is 5\.$/],
  [
    'a constant too many',
    { score: { name: 'dotProduct', constants: { scale: 2 } } },
    {},
    /the constant scale of its score is 2, but that of the op is undef/,
  ],
  [
    'a constant too few',
    { range: { name: mine.name, constants: {} } },
    { range: mine },
    /the constant above of its range is undefined, but .* is 1\.$/,
  ],
  ['a score that is no object', { score: 'dotProduct' }, {}, /its score is "dotProduct", not an object/],
  [
    'constants that are none',
    { range: { name: mine.name, constants: 7 } },
    { range: mine },
    /the constant above of its range is undefined/,
  ],
  ['the ops of the file', {}, { score: dotProduct, range: sigmoidRange([0, 5.5]) }, undefined],
  ['an op of the name and the constants of the file', { range: { name: mine.name, constants: { above: 1 } } }, { range: mine }, undefined],
];
for (const [what, change, given, message] of ops) {
  test(`${message ? 'refused' : 'accepted'}: ${what}`, async () => {
    const bytes = await tampered(config(change));
    if (message) return assertRefused(() => decodeModel(bytes, given), message, FileFormatError);
    const { score, range } = decodeModel(bytes, given);
    assert.equal([score, range], [given.score ?? dotProduct, given.range]);
  });
}

test('ops beside a model that is decoded already are refused: it has its own', async () => {
  for (const given of [{ score: dotProduct }, { range: identity }]) {
    await assertRefused(
      () => loadModel(decodeModel(file), { gpu: gpu!, ...given }),
      /has its ops already: give .* to decodeModel/,
      TypeError,
    );
  }
});

test('a file that is cut short or no safetensors at all is refused', async () => {
  const text = new TextEncoder().encode('user,item,rating\n');
  for (const bytes of [file.subarray(0, file.length - 4), file.subarray(0, 40), new Uint8Array(0), text]) {
    await assertRefused(() => decodeModel(bytes), /./, FileFormatError);
  }
});

test('what the format does not know is ignored', async () => {
  const bytes = await tampered((tensors, metadata) => {
    tensors['extra'] = floats([1]);
    metadata['note'] = 'hello';
  });
  assert.is(decodeModel(bytes).shape.nFactors, 6);
});

if (gpu !== null) test.run();
