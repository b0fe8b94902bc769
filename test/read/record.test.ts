import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import Papa from 'papaparse';
import { RecordScanner } from '../../src/read/record.js';

/** All records of a text that arrives in pieces of `size` bytes: fields or the fault, and the line of each. */
function scan(text: string, delimiter: string, size = Infinity): { fields: string[]; line: number; fault: string | undefined }[] {
  const scanner = new RecordScanner(delimiter);
  const all = new TextEncoder().encode(text);
  const records = [];
  let rest = new Uint8Array(0);
  let line = 1;
  for (let from = 0; from < all.length; from += size) {
    const isLast = from + size >= all.length;
    const bytes = Uint8Array.from([...rest, ...all.subarray(from, from + size)]);
    let at = 0;
    while (at < bytes.length) {
      const next = scanner.next(bytes, at, bytes.length, isLast);
      if (next === -1) break;
      const fields = Array.from({ length: scanner.count }, (_, k) => scanner.text(bytes, scanner.starts[k], scanner.ends[k]));
      records.push({ fields, line, fault: scanner.fault });
      line += scanner.lineEnds;
      at = next;
    }
    rest = bytes.slice(at);
  }
  return records;
}

const field = fc.string({ unit: fc.constantFrom('a', '7', '"', ',', ';', '\t', ' ', '\n', '\r\n', 'é', ''), maxLength: 6 });
const table = fc.record({
  rows: fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
  delimiter: fc.constantFrom(',', ';', '\t', '|', '::'),
  newline: fc.constantFrom('\n', '\r\n'),
  quotes: fc.boolean(),
  size: fc.integer({ min: 1, max: 40 }),
});

test('what papaparse writes is read as papaparse reads it, in pieces of any size', () => {
  fc.assert(
    fc.property(table, ({ rows, delimiter, newline, quotes, size }) => {
      const isStrict = delimiter === ',' || delimiter === ';';
      // Elsewhere a quoted field ends on its line.
      const data = isStrict ? rows : rows.map((row) => row.map((each) => each.replace(/[\r\n]/g, '')));
      const text = Papa.unparse(data, { delimiter, newline, quotes });
      const expected = Papa.parse<string[]>(text, { delimiter, newline, quoteChar: '"' });
      const records = scan(text, delimiter, size);
      assert.equal(expected.errors, []);
      assert.equal(
        records.map(({ fields }) => fields),
        expected.data.filter((row, k) => k < expected.data.length - 1 || row.length > 1 || row[0] !== '' || quotes),
      );
      assert.ok(records.every(({ fault }) => fault === undefined));
    }),
    { numRuns: 1500 },
  );
});

test('line ends of all kinds count once each, within quotes too', () => {
  const lines = scan('a,b\r\nc,d\n\ne,"f\r\ng\nh\ri"\rj,k', ',').map(({ line, fields }) => [line, fields[0]]);
  assert.equal(lines, [
    [1, 'a'],
    [2, 'c'],
    [3, ''],
    [4, 'e'],
    [8, 'j'],
  ]);
});

test('a quoted field that does not end gives up its first line only', () => {
  for (const size of [1, 3, Infinity]) {
    const records = scan('a,"b,c\nd,e\n"f"g,h\ni,j', ',', size);
    assert.equal(
      records.map(({ fault, fields, line }) => [line, fault === undefined ? fields : null]),
      [
        [1, null],
        [2, ['d', 'e']],
        [3, null],
        [4, ['i', 'j']],
      ],
    );
  }
});

test('where neither , nor ; separates, a quote that does not enclose a field is text', () => {
  assert.equal(
    scan('"Weird" Al\t"x"\t"\n"a\t"b ""c"""', '\t').map(({ fields }) => fields),
    [
      ['"Weird" Al', 'x', '"'],
      ['"a', 'b "c"'],
    ],
  );
});

test('a space stands for any run of spaces and tabs', () => {
  assert.equal(
    scan('  1   2 \t 3\n"a b"  4 5  \n', ' ').map(({ fields }) => fields),
    [
      ['1', '2', '3'],
      ['a b', '4', '5'],
    ],
  );
});

test.run();
