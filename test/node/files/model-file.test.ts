import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { join } from 'node:path';
import { DotbiasError, FileFormatError } from '../../../src/base/errors.js';
import { CollabData } from '../../../src/data/collab-data.js';
import { loadModelFile, readModelFile, saveModel } from '../../../src/node/files/model-file.js';
import { readRatings } from '../../../src/node/ratings/ratings-file.js';
import { collabLearner } from '../../../src/train/make-learner.js';
import { temporaryFolder } from '../../helpers/cli.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { assertRefused } from '../../helpers/refusal.js';

const test = suite('model file on the disk');
const folder = temporaryFolder();
const movielens = process.env['MOVIELENS_DIR'];
if (movielens === undefined) console.log('skipped: recommendations of MovieLens-100K; set MOVIELENS_DIR to the folder that holds ml-100k');

test('a file that is not there is refused in a sentence that names it and says what to do', async () => {
  const path = join(folder, 'nope');
  await assertRefused(
    () => loadModelFile(path),
    /nope: There is no such file\. Name a model that saveModel or 'dotbias train --out' wrote\.$/,
    DotbiasError,
  );
});

test('a folder or a device is refused at once', async () => {
  await assertRefused(
    () => readModelFile(folder),
    /: This is a folder, not a file, and no model in several files: it has no model\.safetensors\.index\.json\.$/,
    FileFormatError,
  );
  await assertRefused(() => readModelFile('/dev/zero'), /^\/dev\/zero: This is not a regular file/, FileFormatError);
});

test('of MovieLens-100K no user is recommended what they have rated, held out or not', async () => {
  if (movielens === undefined) return;
  const { columns } = await readRatings(join(movielens, 'ml-100k'));
  const gpu = await sharedGpu();
  const learn = await collabLearner(CollabData.fromArrays(columns, { batchSize: 1024 }), { nFactors: 8, yRange: [0, 5.5], gpu });
  await learn.fitOneCycle(2, 0.05);
  await saveModel(learn, join(folder, 'm.safetensors'));
  const model = await loadModelFile(join(folder, 'm.safetensors'), { gpu });
  const rated = new Set(Array.from(columns.users, (user, k) => `${user} ${columns.items[k]}`));
  for (const one of [learn, model]) {
    const { users, items, n } = await one.recommendAll(10);
    assert.is(users.length, 943);
    const { users: userIds, items: itemIds } = one.info;
    for (let place = 0; place < items.length; place++) {
      assert.not.ok(rated.has(`${userIds.idOf(users[Math.floor(place / n)])} ${itemIds.idOf(items[place])}`));
    }
    one.release();
  }
});

test.run();
