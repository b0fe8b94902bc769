/** Files of version 1, which dotbias 0.1.0 wrote. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dotProduct } from '../../shaders/ops/score.js';
import { FileFormatError } from '../../src/base/errors.js';
import { readSafetensors, writeSafetensors } from '../../src/base/safetensors.js';
import { type DecodedModel, decodeModel, loadModel, writeModel } from '../../src/files/model-file.js';
import { readFixture } from '../helpers/fixtures.js';
import { sharedGpu } from '../helpers/gpu.js';
import { assertRefused } from '../helpers/refusal.js';
import { assertClose } from '../helpers/training.js';

const test = suite('model file of version 1');
const gpu = await sharedGpu();

const version1 = new Uint8Array(readFileSync(new URL('../../../test/fixtures/model-0.1.0.safetensors', import.meta.url)));
const nUsers = readSafetensors(version1).tensors['userBias'].shape[0];
const nItems = readSafetensors(version1).tensors['itemBias'].shape[0];
/** The file with one text of its metadata changed. */
function tampered(change: (metadata: Record<string, string>) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(version1);
  const changed = { ...metadata };
  change(changed);
  return writeSafetensors({ ...tensors }, changed);
}

const set = (key: string, text: string) => (metadata: Record<string, string>) => void (metadata[key] = text);
const rows = (key: string, change: (values: unknown[]) => unknown) => (metadata: Record<string, string>) =>
  void (metadata[key] = JSON.stringify(change(JSON.parse(metadata[key]) as unknown[])));

test('a file of version 0.1.0 loads, and predicts and recommends what that version did', async () => {
  const { users: ids, items: others, predictions, recommended } = readFixture('model-0.1.0.json');
  const { score, range } = decodeModel(version1);
  assert.is(score, dotProduct);
  assert.equal([range.name, range.bounds], ['sigmoidRange', [0, 5.5]]);
  const model = await loadModel(version1, { gpu });
  assertClose(await model.predict(ids, others), predictions, 1e-6, 'predictions');
  const list = await model.recommend(ids[0], recommended.length);
  assert.equal(
    list.map(({ item, title }) => [item, title]),
    (recommended as typeof list).map(({ item, title }) => [item, title]),
  );
  assertClose(
    list.map(({ prediction }) => prediction),
    (recommended as typeof list).map(({ prediction }) => prediction),
    1e-6,
    'recommended',
  );
  model.release();
});

const lies: Record<string, [change: Parameters<typeof tampered>[0], message: RegExp]> = {
  'no users': [(metadata) => void delete metadata['users'], /has no users/],
  'users that are no list': [set('users', '{}'), /list of ids/],
  'users that are not JSON': [set('users', '[1,'), /its metadata users is not JSON/],
  'users in brackets without end': [set('users', '['.repeat(1e6)), /its metadata users has brackets 1000000 deep, where 1 are the most/],
  'far too many users': [set('users', `[${'1,'.repeat(1e6)}1]`), /its metadata users has 1000002 values, where \d+ are the most/],
  'ids without #na#': [rows('users', (list) => list.slice(1)), /begins with "#na#"/],
  'an id too few': [rows('users', (list) => list.slice(0, -1)), /userFactors has the shape/],
  'an id twice': [rows('items', (list) => ['#na#', list[2], ...list.slice(2)]), /twice among its items/],
  '#na# twice': [rows('items', (list) => [...list.slice(0, -1), '#na#']), /is not an id/],
  'an empty id': [rows('items', (list) => [...list.slice(0, -1), '']), /is not an id/],
  'a negative id': [rows('users', (list) => [...list.slice(0, -1), -1]), /of its users is -1/],
  'a title too few': [rows('titles', (list) => list.slice(1)), new RegExp(`a list of ${nItems}`)],
  'a title that is no text': [rows('titles', (list) => [1, ...list.slice(1)]), /title 0 is 1/],
  'titles that are no list': [set('titles', '7'), /its titles are not a list/],
};
for (const [name, [change, message]] of Object.entries(lies)) {
  test(`refused in a file of version 1: ${name}`, async () => {
    const bytes = tampered(change);
    await assertRefused(() => decodeModel(bytes), new RegExp(`^Not a usable model file: .*${message.source}`, 's'), FileFormatError);
  });
}

test('a file of version 1 that is written again is one of version 2 with the same content', () => {
  const model = decodeModel(version1);
  assert.equal([model.users.size, model.items.size], [nUsers, nItems]);
  const again = writeModel(model);
  assert.is(readSafetensors(again).metadata['formatVersion'], '2');
  const plain = ({ users, items, titles, tables, train }: DecodedModel) => [users.ids, items.ids, [...(titles ?? [])], tables, train];
  assert.equal(plain(decodeModel(again)), plain(model));
});

test.run();
