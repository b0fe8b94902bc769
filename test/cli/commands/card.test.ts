import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rangeOf } from '../../../shaders/ops/range.js';
import { dotProduct } from '../../../shaders/ops/score.js';
import { addCard } from '../../../src/cli/commands/card.js';
import { encodeLosses } from '../../../src/cli/print/train-report.js';
import { IdMap, NA } from '../../../src/data/ids.js';
import { writeModel } from '../../../src/files/model-file.js';
import { tablesFingerprint } from '../../../src/node/files/model-hashes.js';
import { dotbiasHere, temporaryFolder } from '../../helpers/cli.js';
import { tablesOf } from '../../helpers/rated-model.js';

const test = suite('dotbias card');

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const shape = { nUsers: 3, nItems: 4, nFactors: 2, hasBias: true };
const tables = tablesOf(shape, (_, i) => i);
const train = { users: Uint32Array.of(1), items: Uint32Array.of(1), ratings: Float32Array.of(4) };
const names = { users: new IdMap([NA, 1, 2]), items: new IdMap([NA, 1, 2, 3]) };
writeFileSync(file('m.safetensors'), writeModel({ tables, shape, ...names, train, score: dotProduct, range: rangeOf(null), training: {} }));
const report = {
  version: '1',
  runtime: 'Node',
  math: 'aa',
  adapter: 'GPU',
  device: { name: 'gpu', description: 'GPU' },
  data: { name: 'r.csv', fingerprint: 'dd', split: { by: 'files' }, nTrain: 3, nValid: 1, nUsers: 2, nItems: 3 },
  options: {},
  settings: { learner: {}, fit: {} },
  config: {},
  steps: 1,
  losses: encodeLosses([1]),
  epochs: [],
  interrupted: false,
  validMse: 0.5,
  validRmse: null,
  validMae: null,
};
const writeReport = (name: string, model?: object) => writeFileSync(file(name), JSON.stringify({ ...report, model }));
writeReport('run.json', { parameters: tablesFingerprint(tables) });
writeReport('other.json', { parameters: '0123456789abcdef' });
writeReport('none.json');
const card = (...args: string[]) => dotbiasHere(addCard, 'card', '--model', file('m.safetensors'), '--out', file('README.md'), ...args);

test('a card is written, and a model with ratings is warned of', async () => {
  const { code, stdout, stderr } = await card('--report', file('run.json'));
  assert.equal([code, stdout], [0, `Card written to ${file('README.md')}\n`]);
  assert.match(stderr, /^.*m\.safetensors holds the training ratings, which are personal data: share one .*\.\n$/);
  assert.match(
    readFileSync(file('README.md'), 'utf8'),
    /\| name \| `r\.csv` \|[^]*\| MSE \| 0\.5000 \|[^]*loadModelFile\("m\.safetensors"\)/,
  );
});

test('a report of another model, or of none, is refused', async () => {
  assert.match(
    (await card('--report', file('other.json'))).stderr,
    /^error: --report .*other\.json is of another model than that in .*m\.safetensors\.\n$/,
  );
  assert.match(
    (await card('--report', file('none.json'))).stderr,
    /^error: --report .*none\.json does not say which model came of its run\.\n$/,
  );
  assert.match((await card('--report', file('m.safetensors'))).stderr, /^error: .*m\.safetensors: This /);
  assert.match(
    (await dotbiasHere(addCard, 'card', '--model', file('m.safetensors'), '--out', file('m.safetensors'))).stderr,
    /is the same file as/,
  );
});

test.run();
