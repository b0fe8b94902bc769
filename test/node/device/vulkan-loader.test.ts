import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chosenDrivers, loadLibrary, systemHasDrivers } from '../../../src/node/device/vulkan-loader.js';

test('only variables that choose drivers, and are not empty, count as a choice', () => {
  assert.equal(chosenDrivers({ VK_LOADER_DEBUG: 'all', VK_LAYER_PATH: '/x', VK_ICD_FILENAMES: '' }), []);
  assert.equal(chosenDrivers({ VK_ICD_FILENAMES: '/a.json', VK_ADD_DRIVER_FILES: '/b.json' }), [
    'VK_ICD_FILENAMES=/a.json',
    'VK_ADD_DRIVER_FILES=/b.json',
  ]);
});

test('a driver manifest is found in each of several data folders', () => {
  const root = mkdtempSync(join(tmpdir(), 'dotbias-test-'));
  const nowhere = join(root, 'nowhere');
  const env = { HOME: nowhere, XDG_CONFIG_DIRS: nowhere, XDG_DATA_DIRS: `${nowhere}:${join(root, 'share')}` };
  const folder = join(root, 'share/vulkan/icd.d');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'README'), '');
  const before = systemHasDrivers(env); // true only where /etc/vulkan has drivers
  writeFileSync(join(folder, 'some_icd.x86_64.json'), '{}');
  assert.is(systemHasDrivers(env), true);
  assert.is(before, systemHasDrivers({ HOME: nowhere, XDG_CONFIG_DIRS: nowhere, XDG_DATA_DIRS: nowhere }));
  rmSync(root, { recursive: true });
});

test('a library that is not there is not loaded', () => {
  assert.is(loadLibrary('libdotbias-no-such-library.so.1'), false);
});

test.run();
