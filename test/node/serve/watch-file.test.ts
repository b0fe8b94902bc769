import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { restedChange } from '../../../src/node/serve/watch-file.js';
import { temporaryFolder } from '../../helpers/cli.js';

test('a change is told once, when the file has stayed as it is between two looks', async () => {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, 'old');
  const look = restedChange(path);
  assert.equal([await look(), await look()], [false, false]);
  for (const length of [1, 2, 3]) {
    writeFileSync(path, 'x'.repeat(length));
    assert.is(await look(), false, 'still being written');
  }
  assert.equal([await look(), await look(), await look()], [true, false, false]);
  rmSync(path);
  assert.is(await look(), false, 'gone');
  writeFileSync(`${path}.new`, 'xxx');
  renameSync(`${path}.new`, path);
  assert.equal([await look(), await look(), await look()], [false, true, false]);
});

test.run();
