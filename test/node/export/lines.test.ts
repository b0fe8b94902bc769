import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRatings } from '../../../src/read/parse-ratings.js';
import { csvPieces, jsonPieces } from '../../../src/node/export/lines.js';
import type { Block, Column, TableFormat } from '../../../src/node/export/columns.js';

const columns: Column[] = [
  { name: 'user', kind: 'text' },
  { name: 'rank', kind: 'rank' },
  { name: 'item', kind: 'whole' },
  { name: 'prediction', kind: 'float' },
];

async function bytesOf(format: TableFormat, of: readonly Column[], ...blocks: Block[]): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const each = async function* () {
    yield* blocks;
  };
  for await (const piece of format(of, each())) pieces.push(piece);
  return Buffer.concat(pieces);
}

test('texts that a comma, a quote or a line end would break are in quotes, numbers have no digit too many', async () => {
  const block = [
    ['a,b', 'say "no"', 'two\nlines', ' x', undefined],
    [1, 2, 3, 4, 5],
    [7, 2 ** 53 - 1, 0, 1, 2],
    Float32Array.of(3.4, 0.1, -1, 1e-9, 5),
  ];
  const text = (await bytesOf(csvPieces, columns, block)).toString();
  assert.is(
    text,
    'user,rank,item,prediction\n"a,b",1,7,3.4\n"say ""no""",2,9007199254740991,0.1\n"two\nlines",3,0,-1\n" x",4,1,1e-9\n,5,2,5\n',
  );
  const lines = (await bytesOf(jsonPieces, columns, block)).toString().trimEnd().split('\n');
  assert.equal(JSON.parse(lines[2]), { user: 'two\nlines', rank: 3, item: 0, prediction: -1 });
  assert.equal(JSON.parse(lines[4]), { user: null, rank: 5, item: 2, prediction: 5 });
});

test('whatever the ids are, the reader of ratings reads them as they were', async () => {
  // A text with a zero byte is taken for no text, and refused.
  const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter((text) => !text.includes('\0'));
  const table = fc.array(fc.tuple(id, fc.float({ noNaN: true, noDefaultInfinity: true })), { minLength: 2, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const users = rows.map(([user]) => user);
      const block = [users, users.map(() => 1), users.map((_, k) => k), Float32Array.from(rows, ([, value]) => value)];
      const bytes = await bytesOf(
        csvPieces,
        columns,
        block.map((values) => Array.from(values as unknown[]).slice(0, 1)),
        block,
      );
      const read = await parseRatings(bytes, { ratingColumn: 'prediction', textIds: true, name: 'recs.csv' });
      assert.equal(Array.from(read.columns.users), [users[0], ...users]);
      assert.equal(Array.from(read.columns.ratings), Array.from([block[3][0], ...block[3]]));
    }),
    { numRuns: 40 },
  );
});

test('vectors are refused', async () => {
  const vectors: Column[] = [{ name: 'vector', kind: 'vector' }];
  await bytesOf(csvPieces, vectors).then(
    () => assert.unreachable(),
    (error) => assert.is(error.message, 'The column vector holds vectors, which only Parquet has.'),
  );
});

test.run();
