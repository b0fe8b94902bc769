import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inputFiles } from '../../../src/node/ratings/input-files.js';
import { temporaryFolder } from '../../helpers/cli.js';

const folder = temporaryFolder();
await mkdir(join(folder, 'ml'));
for (const name of ['ratings.csv', 'movies.csv', 'README']) await writeFile(join(folder, 'ml', name), '');
for (const name of ['part-1.csv', 'part-2.csv', 'other.csv']) await writeFile(join(folder, name), '');
const within = async (...names: string[]) => (await inputFiles(join(folder, ...names))).map((path) => path.slice(folder.length + 1));

test('all of a folder, the files of a pattern, titles beside, and nothing of what is not there', async () => {
  assert.equal((await within('ml')).sort(), ['ml/README', 'ml/movies.csv', 'ml/ratings.csv']);
  assert.equal(await within('ml', 'ratings.csv'), ['ml/ratings.csv', 'ml/movies.csv']);
  assert.equal(await within('part-*.csv'), ['part-1.csv', 'part-2.csv']);
  assert.equal(await within('other.csv'), ['other.csv']);
  assert.equal(await within('none.csv'), []);
  assert.equal(await inputFiles('-'), ['-']);
});

test.run();
