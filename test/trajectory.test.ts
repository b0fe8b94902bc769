/** One epoch of MovieLens 100K, step by step beside fastai's in float64: same split, starting values and order. */
import { collabLearner } from '../src/train/make-learner.js';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../src/data/collab-data.js';
import { sharedGpu } from './helpers/gpu.js';
import { assertClose } from './helpers/training.js';

const movielens = process.env['MOVIELENS_DIR'];
const traces = process.env['MOVIELENS_TRAJECTORY'] ?? (movielens && join(movielens, '../fixtures/trajectory'));

if (movielens && traces && existsSync(join(traces, 'meta.json'))) {
  const bytes = (name: string) => new Uint8Array(readFileSync(join(traces, name))).buffer;
  const floats = (name: string) => new Float32Array(bytes(name));
  const words = (name: string) => new Uint32Array(bytes(name));
  const meta = JSON.parse(readFileSync(join(traces, 'meta.json'), 'utf8'));

  const rows = readFileSync(join(movielens, 'ml-100k/u.data'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('\t').map(Number));
  const data = CollabData.fromArrays(
    { users: rows.map((row) => row[0]), items: rows.map((row) => row[1]), ratings: rows.map((row) => row[2]) },
    { trainIndex: words('train_idx.i32'), validIndex: words('valid_idx.i32'), batchSize: meta.bs },
  );

  test('ids are encoded as fastai does it', () => {
    assert.is(data.nUsers, meta.n_users);
    assert.equal(data.items.ids.slice(1), [...words('item_classes.i32')]);
  });

  test("every step loss and the validation loss of an epoch are fastai's", async () => {
    const order = words('order_epoch1.i32');
    const learn = await collabLearner(data, {
      gpu: await sharedGpu(),
      nFactors: meta.d,
      yRange: meta.y_range,
      wd: meta.wd,
      order: () => order,
      init: {
        userFactors: floats('u_weight.f32'),
        itemFactors: floats('i_weight.f32'),
        userBias: floats('u_bias.f32'),
        itemBias: floats('i_bias.f32'),
      },
    });
    const [{ validLoss }] = await learn.fitOneCycle(1, meta.lr_max);
    assertClose(learn.history.losses, new Float64Array(bytes('loss_1ep_f64.f64')), 2e-5, 'loss');
    assertClose([validLoss], meta.valid_mse_1ep_f64, 1e-6, 'validation loss');
    learn.release();
  });
} else {
  console.log('skipped: one epoch of MovieLens 100K beside fastai; set MOVIELENS_DIR and MOVIELENS_TRAJECTORY');
}

test.run();
