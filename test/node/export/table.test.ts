import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Block, Column } from '../../../src/node/export/columns.js';
import { checkEnding, writeTable } from '../../../src/node/export/table.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { assertRefused } from '../../helpers/refusal.js';

const columns: Column[] = [{ name: 'user', kind: 'whole' }];

test('the format is that of the ending, in either case', async () => {
  assert.is(checkEnding('a/b.c/RECS.CSV'), '.csv');
  for (const [path, says] of [
    ['recs', 'has no ending'],
    ['recs.xlsx', 'ends with .xlsx'],
    ['.csv', 'has no ending'],
  ]) {
    await assertRefused(
      async () => checkEnding(path),
      new RegExp(`^${path.replace('.', '\\.')} ${says}: the format follows from it, use \\.parquet, \\.csv or \\.jsonl\\.$`),
    );
  }
});

test('an empty name is refused as one', async () => {
  await assertRefused(async () => checkEnding(''), /^The name of the file to write is empty\.$/);
});

test('a table that cannot be made to its end leaves the file as it was, and nothing else', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'recs.csv');
  writeFileSync(path, 'old');
  let made = 0;
  async function* blocks(): AsyncGenerator<Block> {
    for (; made < 3; made++) yield [[made]];
    throw new RangeError('The device is gone.');
  }
  await assertRefused(() => writeTable(path, columns, blocks()), /^The device is gone\.$/);
  assert.is(made, 3);
  assert.is(readFileSync(path, 'utf8'), 'old');
  assert.equal(readdirSync(folder), ['recs.csv']);
});

test.run();
