import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FileFormatError } from '../../src/base/errors.js';
import { readSafetensors, type Tensor, writeSafetensors } from '../../src/base/safetensors.js';
import { type Id, IdMap, NA } from '../../src/data/ids.js';
import { idTensors, readIds, readIdTensors, readTextTensors, textTensors } from '../../src/files/id-tensors.js';
import { assertRefused } from '../helpers/refusal.js';

const refuse = (problem: string): never => {
  throw new FileFormatError(`${problem}.`);
};
const throughFile = (tensors: Record<string, Tensor>) => readSafetensors(writeSafetensors(tensors)).tensors;
const again = (ids: readonly Id[]) => readIdTensors(throughFile(idTensors('ids', new IdMap([NA, ...ids]))), 'ids', 'its users', refuse).ids;

test('whole numbers, texts and no ids at all come back in their order', () => {
  for (const ids of [[], [0], [3, 1, 2 ** 53 - 1, 2 ** 32], ['007', '7', ' 7', 'é', '二', '\ufeffbom', '😀', 'a\0b', '-1']]) {
    assert.equal(again(ids), [NA, ...ids]);
  }
});

test('any distinct ids come back', () => {
  const text = fc.string({ unit: 'binary', minLength: 1 }).filter((id) => id !== NA);
  fc.assert(
    fc.property(fc.oneof(fc.uniqueArray(fc.maxSafeNat()), fc.uniqueArray(text)), (ids) => {
      assert.equal(again(ids), [NA, ...ids]);
    }),
  );
});

test('whole numbers are I64 with -1 for #na#; texts are UTF-8 end to end, with offsets', () => {
  const [numbers] = Object.entries(idTensors('userIds', new IdMap([NA, 5, 7])));
  assert.equal(numbers, ['userIds', { dtype: 'I64', shape: [3], data: BigInt64Array.of(-1n, 5n, 7n) }]);
  const { titles, titlesOffsets } = textTensors('titles', ['é', '', 'ab']);
  assert.equal(Array.from(titles.data as Uint8Array), [0xc3, 0xa9, 0x61, 0x62]);
  assert.equal(titlesOffsets.data, BigInt64Array.of(0n, 2n, 2n, 4n));
});

const numbers = (...data: number[]): Record<string, Tensor> => ({
  ids: { dtype: 'I64', shape: [data.length], data: BigInt64Array.from(data, BigInt) },
});
const texts = (text: string, ...offsets: number[]): Record<string, Tensor> => ({
  ids: { dtype: 'U8', shape: [text.length], data: Uint8Array.from(text, (char) => char.charCodeAt(0)) },
  idsOffsets: { dtype: 'I64', shape: [offsets.length], data: BigInt64Array.from(offsets, BigInt) },
});

const lies: Record<string, [tensors: Record<string, Tensor>, message: RegExp]> = {
  'no tensor': [{}, /the tensor ids is missing/],
  'another type': [{ ids: { dtype: 'F32', shape: [1], data: Float32Array.of(-1) } }, /ids is F32 of the shape \[1\]/],
  'a table': [{ ids: { dtype: 'I64', shape: [1, 1], data: BigInt64Array.of(-1n) } }, /I64 of the shape \[1,1\]/],
  'no rows': [numbers(), /not a list of ids that begins with "#na#"/],
  'no #na#': [numbers(1, 2), /begins with "#na#"/],
  '#na# twice': [numbers(-1, 2, -1), /row 2 of its users is -1, which is not an id/],
  'an id beyond 2^53': [numbers(-1, 2 ** 60), /row 1 of its users is 1152921504606847000, which is not an id/],
  'an id twice': [numbers(-1, 4, 7, 4), /the id 4 occurs twice among its users/],
  'text without offsets': [{ ids: texts('#na#', 0, 4)['ids'] }, /idsOffsets is missing/],
  'offsets of another type': [
    { ...texts('#na#'), idsOffsets: { dtype: 'U32', shape: [2], data: Uint32Array.of(0, 4) } },
    /ids and idsOffsets are U8 and U32, not lists of U8 and I64/,
  ],
  'no offsets': [texts('#na#'), /goes from undefined to undefined/],
  'offsets that begin late': [texts('#na#', 1, 4), /goes from 1 to 4, but ids has the bytes 0 to 4/],
  'offsets that end early': [texts('#na#', 0, 3), /goes from 0 to 3/],
  'offsets beyond the end': [texts('#na#', 0, 5), /goes from 0 to 5/],
  'offsets that fall': [texts('#na#ab', 0, 4, 6, 5, 6), /falls from 6 to 5 in row 2/],
  'offsets that are negative': [texts('#na#ab', 0, -4, 6), /falls from 0 to -4 in row 0/],
  'text that is not UTF-8': [texts('#na#\xff', 0, 4, 5), /row 1 of ids is not UTF-8/],
  'an empty text': [texts('#na#a', 0, 4, 4, 5), /row 1 of its users is "", which is not an id/],
  'a text twice': [texts('#na#bab', 0, 4, 5, 6, 7), /the id "b" occurs twice among its users/],
};
for (const [name, [tensors, message]] of Object.entries(lies)) {
  test(`refused: ${name}`, () => assertRefused(() => readIdTensors(tensors, 'ids', 'its users', refuse), message, FileFormatError));
}

test('a list of JSON is held to the same rules', () =>
  assertRefused(() => readIds([NA, 1, '2'], 'the users', refuse), /the users are numbers, but row 2 is "2"/, FileFormatError));

test('half of a surrogate pair in a title becomes the replacement character', () => {
  assert.equal(readTextTensors(throughFile(textTensors('titles', ['a\ud800', ''])), 'titles', refuse), ['a\ufffd', '']);
});

test.run();
