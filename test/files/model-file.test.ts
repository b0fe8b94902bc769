import type { LearnerOptions } from '../../src/train/options.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../src/data/collab-data.js';
import { FileFormatError } from '../../src/base/errors.js';
import { collabLearner } from '../../src/train/learner.js';
import { decodeModel, encodeModel, loadModel, trainingConfig } from '../../src/files/model-file.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../../src/base/safetensors.js';
import { sharedGpu } from '../helpers/gpu.js';

const test = suite('model file');
const gpu = await sharedGpu().catch((error: Error) => (console.log(`skipped: ${error.message}`), null));

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

const users = [0, 1, 2, 3, 4, 99, 0];
const items = ['item 0', 'item 1', 'item 2', 'item 3', 'item 4', 'item 5', 'nowhere'];

for (const options of [{}, { bias: false }, { yRange: null }] satisfies LearnerOptions[]) {
  test(`a model that is saved and loaded predicts the same bits: ${JSON.stringify(options)}`, async () => {
    const learn = await trained(options);
    const before = await learn.predict(users, items);
    const loaded = await loadModel(await encodeModel(learn), gpu!);
    assert.equal(await loaded.predict(users, items), before);
    assert.equal(loaded.info.users.ids, data.users.ids);
    assert.equal(loaded.info.items.ids, data.items.ids);
    assert.equal(loaded.yRange, learn.yRange);
    assert.is(loaded.embeddings.shape.hasBias, learn.embeddings.shape.hasBias);
    assert.is(loaded.titleOf('item 2'), 'Zwei "é" 二');
    assert.is(loaded.titleOf('item 0'), undefined);
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
  });
  const tables = await learn.tables();
  for (const name of ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const) assert.equal(tensors[name].data, tables[name]);
  assert.equal(JSON.parse(metadata['users']), ['#na#', 0, 1, 2, 3, 4]);
  assert.is(JSON.parse(metadata['titles']).length, 7);
  const { training, ...config } = JSON.parse(metadata['config']) as Record<string, unknown>;
  assert.equal(config, { nFactors: 6, bias: true, yRange: [0, 5.5] });
  assert.equal(training, trainingConfig(learn));
  assert.is((training as { steps: number }).steps, 6);
});

test('training ratings are kept, so that a loaded model leaves out what was rated; or they are not', async () => {
  const learn = await trained();
  const loaded = await loadModel(await encodeModel(learn), gpu!);
  assert.equal(loaded.info.train, learn.data.train);
  assert.equal(await loaded.recommend(2), await learn.recommend(2));
  assert.equal(await encodeModel(loaded), await encodeModel(learn), 'saved again they are still there');
  const without = await encodeModel(learn, { ratings: false });
  assert.is(decodeModel(without).train, undefined);
  assert.equal(Object.keys(readSafetensors(without).tensors).sort(), ['itemBias', 'itemFactors', 'userBias', 'userFactors']);
});

test('the same model gives the same bytes', async () => {
  const learn = await trained();
  assert.equal(await encodeModel(learn), await encodeModel(learn));
});

test('a model that is not finite is not saved', async () => {
  const learn = await trained();
  const tables = await learn.tables();
  tables.itemBias[3] = NaN;
  learn.embeddings.writeTables(tables);
  const error = await encodeModel(learn).then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.match(error?.message ?? '', /cannot be saved: itemBias/);
});

/** A valid file, taken apart, changed, and put together again. */
async function tampered(change: (tensors: Record<string, Tensor>, metadata: Record<string, string>) => void): Promise<Uint8Array> {
  const { tensors, metadata } = readSafetensors(await file);
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
const rows = (key: string, change: (values: unknown[]) => unknown) => edit(key, change);
const set = (key: string, text: string) => (_: unknown, metadata: Record<string, string>) => void (metadata[key] = text);
const drop = (key: string) => (_: unknown, metadata: Record<string, string>) => void delete metadata[key];
const tensor = (name: string, value: Tensor) => (tensors: Record<string, Tensor>) => void (tensors[name] = value);
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
  'a later version': [set('formatVersion', '2'), /version is "2"/],
  'no config': [drop('config'), /has no config/],
  'a config that is not JSON': [set('config', '{'), /not JSON/],
  'a config that is a list': [set('config', '[]'), /not a JSON object/],
  'a fractional nFactors': [config({ nFactors: 6.5 }), /nFactors is 6.5/],
  'another nFactors': [config({ nFactors: 5 }), /userFactors has the shape \[6,6\].*\[6,5\]/],
  'bias as text': [config({ bias: 'yes' }), /bias "yes"/],
  'biases that the config denies': [config({ bias: false }), /no biases/],
  'a turned range': [config({ yRange: [5, 0] }), /yRange is \[5,0\]/],
  'half a range': [config({ yRange: [5] }), /yRange/],
  'a missing range': [config({ yRange: undefined }), /yRange is undefined/],
  'no users': [drop('users'), /has no users/],
  'users that are no list': [set('users', '{}'), /list of ids/],
  'ids without #na#': [rows('users', (ids) => ids.slice(1)), /begins with "#na#"/],
  'an id too few': [rows('users', (ids) => ids.slice(0, -1)), /userFactors has the shape/],
  'an id twice': [rows('items', (ids) => ['#na#', ids[1], ...ids.slice(1, -1)]), /twice among its items/],
  '#na# twice': [rows('items', (ids) => [...ids.slice(0, -1), '#na#']), /is not an id/],
  'an empty id': [rows('items', (ids) => [...ids.slice(0, -1), '']), /is not an id/],
  'a negative id': [rows('users', (ids) => [...ids.slice(0, -1), -1]), /row 5 of its users is -1/],
  'numbers and text as ids': [rows('users', (ids) => [...ids.slice(0, -1), '4']), /users are numbers/],
  'a title too few': [rows('titles', (titles) => titles.slice(1)), /a list of 7/],
  'a title that is no text': [rows('titles', (titles) => [1, ...titles.slice(1)]), /title 0 is 1/],
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
  'a rating that is not finite': [tensor('trainRatings', floats([24], NaN)), /trainRatings holds/],
  'a value that is not finite': [tensor('itemFactors', floats([7, 6], Infinity)), /itemFactors holds values that are not finite/],
};
for (const [name, [change, message]] of Object.entries(lies)) {
  test(`refused: ${name}`, async () => {
    const bytes = await tampered(change);
    const error = catchError(() => decodeModel(bytes));
    assert.instance(error, FileFormatError);
    assert.match(error.message, message);
  });
}

test('a file that is cut short or no safetensors at all is refused', () => {
  for (const bytes of [
    file.subarray(0, file.length - 4),
    file.subarray(0, 40),
    new Uint8Array(0),
    new TextEncoder().encode('user,item,rating\n'),
  ]) {
    assert.instance(
      catchError(() => decodeModel(bytes)),
      FileFormatError,
    );
  }
});

test('what the format does not know is ignored', async () => {
  const bytes = await tampered((tensors, metadata) => {
    tensors['extra'] = floats([1]);
    metadata['note'] = 'hello';
  });
  assert.is(decodeModel(bytes).shape.nFactors, 6);
});

function catchError(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  return assert.unreachable('nothing was refused') as never;
}

if (gpu !== null) test.run();
