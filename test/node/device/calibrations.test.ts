import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { calibrationFile } from '../../../src/node/device/calibrations.js';
import { temporaryFolder } from '../../helpers/cli.js';

test('calibrations outlast the process in a file, and a damaged file is as none', async () => {
  const path = join(temporaryFolder(), 'calibration.json');
  await calibrationFile(path).set('a', 'lazy');
  await calibrationFile(path).set('b', 'dense');
  assert.is(await calibrationFile(path).get('a'), 'lazy');
  assert.is(await calibrationFile(path).get('b'), 'dense');
  for (const damage of ['{"a": 7}', '[', 'null', '']) {
    writeFileSync(path, damage);
    assert.is(await calibrationFile(path).get('a'), undefined);
  }
  await calibrationFile(path).set('a', 'persistent');
  assert.equal(JSON.parse(readFileSync(path, 'utf8')), { a: 'persistent' });
});

test.run();
