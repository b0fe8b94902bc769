import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { DataError } from '../../src/base/errors.js';
import { encode, encodeTexts, type Id, IdMap, NA, otherForm, titleOf } from '../../src/data/ids.js';

test('IdMap finds an id as number and as text', () => {
  const numbers = new IdMap([NA, 7, 196]);
  assert.equal([numbers.indexOf('196'), numbers.indexOf(196), numbers.indexOf('0196'), numbers.indexOf('196.0')], [2, 2, 0, 0]);
  const strings = new IdMap([NA, '196', 'x']);
  assert.equal([strings.indexOf(196), strings.indexOf('196'), strings.indexOf('x'), strings.indexOf('y')], [1, 1, 2, 0]);
  assert.ok(strings.has(196));
  assert.not(strings.has(NA));
  assert.is(strings.size, 3);
  assert.is(strings.idOf(0), NA);
  assert.throws(() => strings.idOf(3), /no table row 3: rows are 0 to 2/);
  assert.throws(
    () => new IdMap(['a']),
    (error: Error) => error instanceof DataError && /'#na#', not 'a'/.test(error.message),
  );
});

const small = fc.nat(30);
const large = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const text = fc
  .oneof(fc.string({ minLength: 1, maxLength: 3 }), small.map(String), fc.constantFrom('007', '1e3', '-1', ' ', '#na'))
  .filter((id) => id !== NA);
const ascending = (ids: Id[]) => [...ids].sort((a, b) => (a < b ? -1 : 1));
const inAnyOrder = (ids: fc.Arbitrary<Id>) =>
  fc.uniqueArray(ids, { maxLength: 40 }).chain((each) => fc.constantFrom(each, ascending(each)));

test('IdMap gives each id its row and each row its id, sorted or not, of numbers in a run or apart, and of texts', () => {
  const run = fc.tuple(fc.nat(9), fc.nat(30)).map(([first, n]) => Array.from({ length: n }, (_, k) => first + k));
  fc.assert(
    fc.property(
      fc.oneof<fc.Arbitrary<Id[]>[]>(run, inAnyOrder(small), inAnyOrder(large), inAnyOrder(text)),
      fc.oneof(small, large, text),
      (ids, other) => {
        const map = new IdMap([NA, ...ids]);
        assert.is(map.size, ids.length + 1);
        assert.equal(map.ids, [NA, ...ids]);
        ids.forEach((id, k) => {
          assert.is(map.indexOf(id), k + 1);
          assert.is(map.idOf(k + 1), id);
          const form = otherForm(id);
          if (!(ids as Id[]).includes(form)) assert.is(map.indexOf(form), typeof form === typeof id ? 0 : k + 1);
        });
        const known = ids.findIndex((id) => id === other || id === otherForm(other));
        assert.is(map.indexOf(other), known + 1);
        if (typeof ids[0] === 'number') assert.equal(new IdMap(Float64Array.from(ids as number[])).ids, map.ids);
      },
    ),
  );
});

test('what is no id has no row', () => {
  for (const map of [new IdMap([NA]), new IdMap([NA, 0, 1]), new IdMap([NA, 0, 7]), new IdMap([NA, 'undefined', 'NaN', 'null'])]) {
    for (const id of [undefined, null, {}, [], 0.5, -1, 2, Infinity, -Infinity, '0.5', '', NA, 1n]) assert.is(map.indexOf(id as Id), 0);
    for (const row of [-1, 0.5, NaN, 9, '1' as never]) assert.throws(() => map.idOf(row), RangeError);
  }
  assert.throws(() => new IdMap([NA, 1, 'x']), /The ids of an IdMap are numbers, but that of row 2 is 'x'/);
});

test('more texts than one Map holds, or than are mapped at all, are found', () => {
  const column = Array.from({ length: 999 }, (_, k) => `u${(k * 79) % 500}`);
  assert.equal(encodeTexts(column, 64), encode(column, 'user'));
  const map = new IdMap([NA, ...Array.from({ length: 2 ** 20 + 1 }, (_, k) => `u${1e7 + k}`)]);
  for (const row of [1, 2, 1000, 2 ** 19, map.size - 1]) assert.is(map.indexOf(map.idOf(row)), row);
  assert.equal([map.indexOf('u'), map.indexOf('x'), map.indexOf(7)], [0, 0, 0]);
});

test('a number and its text are two forms of one id, any other text has one form', () => {
  assert.equal([otherForm(196), otherForm('196'), otherForm('0196'), otherForm('1e3'), otherForm('x')], ['196', 196, '0196', '1e3', 'x']);
  assert.is(titleOf(new Map<Id, string>([[50, 'Star Wars']]), '50'), 'Star Wars');
  assert.is(titleOf(new Map<Id, string>([['50', 'Star Wars']]), 50), 'Star Wars');
  assert.is(titleOf(undefined, 50), undefined);
});

const columns: Record<string, fc.Arbitrary<ArrayLike<Id>>> = {
  'small numbers': fc.array(small, { maxLength: 80 }),
  'numbers of any size': fc.array(fc.oneof(small, large), { maxLength: 80 }),
  'a typed array': fc.array(small, { maxLength: 80 }).map((ids) => Float64Array.from(ids)),
  strings: fc.array(text, { maxLength: 80 }),
  'any mix': fc.array(fc.oneof(small, large, text), { maxLength: 80 }),
};

for (const [what, column] of Object.entries(columns)) {
  test(`encoding gives each id of a column its place among the sorted ids, as a Map would: ${what}`, () => {
    fc.assert(
      fc.property(column, (given) => {
        const ids = Array.from(given);
        const isMixed = new Set(ids.map((id) => typeof id)).size > 1;
        const read: Id[] = isMixed ? ids.map(String) : ids;
        const sorted = [...new Set(read)].sort((a, b) => (a < b ? -1 : 1));
        const codeOf = new Map(sorted.map((id, code) => [id, code]));
        const encoded = encode(given, 'user');
        assert.equal([...(encoded.ids as Iterable<Id>)], sorted);
        assert.equal(
          encoded.codes,
          Uint32Array.from(read, (id) => codeOf.get(id)!),
        );
      }),
      { numRuns: 200 },
    );
  });
}

test('what is no id is refused with its row, wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(small, text), { maxLength: 5 }),
      fc.constantFrom<unknown>(-1, 1.5, NaN, Infinity, 2 ** 53, '', NA, null, undefined, 5n, true, {}),
      fc.array(small, { maxLength: 5 }),
      (before, bad, after) => {
        const column = [...before, bad as Id, ...after];
        assert.throws(
          () => encode(column, 'item'),
          (error: Error) => {
            assert.instance(error, DataError);
            assert.ok(error.message.startsWith(`The item in row ${before.length} is `), error.message);
            assert.is((error as DataError).column, 'item');
            assert.ok(Object.is((error as DataError).value, bad));
            return true;
          },
        );
      },
    ),
  );
});

test.run();
