import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FileFormatError } from '../../src/base/errors.js';
import { fingerprint } from '../../src/base/fingerprint.js';
import { type Tensor, writeSafetensors } from '../../src/base/safetensors.js';
import {
  type BlocksIndex,
  checkIndex,
  decodeBlock,
  decodeIndex,
  encodeBlock,
  encodeIndex,
  maxBlockBytes,
} from '../../src/train/checkpoint-blocks.js';

const test = suite('checkpoint-blocks');

const shape = [3, 2, 4] as const;
const state = Float32Array.from({ length: 24 }, (_, k) => k - 7.5);
const metadata = { format: 'dotbias checkpoint block 1', side: 'users', block: '5' };
const checksum = fingerprint(state);
const file = (tensors: Record<string, Tensor>, more = {}) => writeSafetensors(tensors, { ...metadata, ...more });
const read = (bytes: Uint8Array) => decodeBlock(bytes, 'users', 5, shape, checksum);
const refuses = (bytes: Uint8Array, problem: RegExp) =>
  assert.throws(
    () => read(bytes),
    (error: Error) => error instanceof FileFormatError && problem.test(error.message),
  );

test('a block comes back bit for bit, and its file is never longer than is said', () => {
  fc.assert(
    fc.property(fc.nat(2), fc.nat(20), fc.nat(4), fc.nat(70_000), (more, nRows, vecs, block) => {
      const each = [1 + more, nRows, 4 * (1 + vecs)] as const;
      const values = Float32Array.from({ length: each[0] * each[1] * each[2] }, (_, k) => Math.sin(k + block));
      const { pieces, checksum: sum } = encodeBlock('items', block, values, each);
      const bytes = Buffer.concat(pieces);
      assert.ok(bytes.length <= maxBlockBytes(each));
      assert.equal(decodeBlock(bytes, 'items', block, each, sum), values);
    }),
    { numRuns: 50 },
  );
});

test('a state of another length than its shape is not written', () => {
  assert.throws(() => encodeBlock('users', 0, state, [2, 2, 4]), RangeError);
});

test('a block that is not the wanted one is refused', () => {
  const tensor: Tensor = { dtype: 'F32', shape: [...shape], data: state };
  assert.equal(read(file({ state: tensor })), state);
  refuses(file({ state: tensor }, { side: 'items' }), /block "5" of the "items", not block 5 of the users/);
  refuses(file({ state: tensor }, { block: '05' }), /block "05"/);
  refuses(file({ state: tensor }, { format: 'dotbias checkpoint 3' }), /its format is/);
  refuses(file({}), /one tensor/);
  refuses(file({ state: tensor, other: tensor }), /one tensor/);
  refuses(file({ state: { dtype: 'F32', shape: [2, 3, 4], data: state } }), /\[2,3,4\], not F32 of \[3,2,4\]/);
  refuses(file({ state: { dtype: 'I32', shape: [3, 2, 4], data: new Int32Array(24) } }), /I32/);
  refuses(file({ state: tensor }, { more: 'x'.repeat(5000) }), /more than the 4096 accepted/);
  const other = state.slice();
  other[3] = 0;
  refuses(file({ state: { ...tensor, data: other } }), /does not fit the checksum/);
  other[3] = NaN;
  const forged = file({ state: { ...tensor, data: other } });
  assert.throws(() => decodeBlock(forged, 'users', 5, shape, fingerprint(other)), /state\[3\] is NaN, not a finite number/);
});

const entry = (nRows: number) => ({ nRows, checksum });
const index: BlocksIndex = {
  epoch: 3,
  nArrays: 3,
  rowStride: 44,
  users: [entry(5), entry(6)],
  items: [entry(2), entry(0)],
  rest: checksum,
};

test('an index comes back, and what is not one is refused', () => {
  assert.equal(decodeIndex(encodeIndex(index)), index);
  const value = JSON.parse(encodeIndex(index)) as Record<string, unknown>;
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ format: 'dotbias checkpoint blocks 2', version: '9' }, /"dotbias checkpoint blocks 2", of dotbias "9"/],
    [{ epoch: 0 }, /epoch 0/],
    [{ epoch: 1.5 }, /epoch 1.5/],
    [{ nArrays: 4 }, /nArrays 4/],
    [{ rowStride: '44' }, /rowStride "44"/],
    [{ rest: 'ABC' }, /rest "ABC"/],
    [{ users: [] }, /no list of users/],
    [{ users: {} }, /no list of users/],
    [{ users: [entry(5)] }, /1 blocks of users, but 2 of items/],
    [{ items: [entry(5), null] }, /block 1 of the items/],
    [{ items: [entry(5), entry(-1)] }, /block 1 of the items/],
    [{ items: [entry(5), { nRows: 5, checksum: `${checksum}0` }] }, /block 1 of the items/],
  ];
  for (const [change, problem] of cases) {
    const text = JSON.stringify({ ...value, ...change });
    assert.throws(
      () => decodeIndex(text),
      (error: Error) => error instanceof FileFormatError && problem.test(error.message),
    );
  }
  for (const text of ['', 'null', '[]', '{', '{"users":'.repeat(9), '['.repeat(1e6), `[${'0,'.repeat(1e6)}0]`]) {
    assert.throws(
      () => decodeIndex(text),
      (error: Error) => error instanceof FileFormatError && error.message.length < 500,
    );
  }
});

test('an index of another model is refused by its first difference', () => {
  const model = { users: [5, 6], items: [2, 0], nArrays: 3, rowStride: 44 };
  checkIndex(index, model);
  assert.throws(() => checkIndex(index, { ...model, nArrays: 1 }), /3 arrays of each block, but the model 1/);
  assert.throws(() => checkIndex(index, { ...model, rowStride: 40 }), /44 values, but those of the model 40/);
  assert.throws(() => checkIndex(index, { ...model, users: [5, 6, 0] }), /2 blocks of users, but the model 3/);
  assert.throws(() => checkIndex(index, { ...model, items: [2, 1] }), /block 1 of its items has 0 rows, but that of the model 1/);
});

test.run();
