import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/base/errors.js';
import { readMovieLensFolds } from '../../../src/node/ratings/movielens-folds.js';

const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
test.after(() => rm(folder, { recursive: true }));

for (const [k, name] of ['ua', 'ub'].entries()) {
  await writeFile(join(folder, `${name}.base`), `1\t${k + 1}\t3\t100\n2\t1\t4\t101\n`);
  await writeFile(join(folder, `${name}.test`), `2\t${k + 1}\t5\t102\n`);
}

test('the splits of a set are read in order, each with its name', async () => {
  const folds = await readMovieLensFolds('ua-ub', folder);
  assert.equal(
    folds.map(({ name, train, valid }) => [name, Array.from(train.items), Array.from(valid.items)]),
    [
      ['ua', [1, 1], [1]],
      ['ub', [2, 1], [2]],
    ],
  );
});

test('a file that is missing is named', async () => {
  await readMovieLensFolds('u1-u5', folder).then(
    () => assert.unreachable(),
    (error) => {
      assert.instance(error, DataError);
      assert.match(error.message, /u1\.base: There is no such file; the folds u1-u5 need the folder of MovieLens-100K\.$/);
    },
  );
});

test('a set that does not exist is refused', async () => {
  await readMovieLensFolds('u1' as 'ua-ub', folder).then(
    () => assert.unreachable(),
    (error) => assert.match(error.message, /^The set of folds must be 'u1-u5' or 'ua-ub', not 'u1'\.$/),
  );
});

test.run();
