import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rangeOf } from '../../../shaders/ops/range.js';
import { dotProduct } from '../../../shaders/ops/score.js';
import { modelCard } from '../../../src/cli/print/model-card.js';
import type { TrainReport } from '../../../src/cli/print/train-report.js';
import { IdMap, NA } from '../../../src/data/ids.js';
import type { DecodedModel } from '../../../src/files/model-file.js';
import { tablesOf } from '../../helpers/rated-model.js';

const test = suite('model card');

const shape = { nUsers: 3, nItems: 4, nFactors: 2, hasBias: true };
const model: DecodedModel = {
  tables: tablesOf(shape, (_, i) => i),
  shape,
  users: new IdMap([NA, 1, 2]),
  items: new IdMap([NA, 'a', 'b', 'c']),
  score: dotProduct,
  range: rangeOf([0, 5.5]),
  training: {},
};
const report = {
  version: '0.1.0',
  runtime: 'Node v20',
  adapter: 'GPU 1',
  data: { name: 'ml-100k', fingerprint: 'dd', split: { by: 'random', validPct: 0.1, seed: 7 }, nTrain: 90_000, nValid: 10_000 },
  options: { unknownUser: 'na' },
  config: { lr: 0.01 },
  validMse: 0.82,
  validRmse: null,
  validMae: 0.71,
} as unknown as TrainReport;

const card = (of: Partial<DecodedModel> = {}, by?: TrainReport, file = 'model.safetensors') =>
  modelCard({ model: { ...model, ...of }, file, ...(by && { report: by }) });

test('what is not known is said to be so, and nothing is invented', () => {
  const text = card();
  for (const part of [
    '| name | not known |',
    '| training ratings | not known |',
    'How it was trained is not known.',
    'Its errors are not known.',
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.match(text, /The licence of this model is not known: .* The licence of the data is not known\./);
  assert.not.match(text, /MovieLens|model-index|undefined|NaN|null/);
  assert.match(card({ residualVariance: 0.9 }), /notes a mean squared error of 0\.9000 on ratings that it was not trained on\./);
});

test('a report gives data, protocol and those scores that are numbers; MovieLens has its licence', () => {
  const text = card({}, report);
  assert.match(text, /^---\nlibrary_name: dotbias\ntags:\n(  - .+\n)+model-index:\n  - name: "ml-100k"\n/);
  assert.match(text, /metrics:\n {10}- \{ type: mse, value: 0\.82 \}\n {10}- \{ type: mae, value: 0\.71 \}\n---\n/);
  assert.match(text, /\| at random before training: a share of 0\.1 held out for validation, with the seed 7 \|/);
  assert.match(text, /On the 10,000 validation ratings, .*\n\n.*\n.*\n\| MSE \| 0\.8200 \|\n\| MAE \| 0\.7100 \|/);
  assert.match(text, /MovieLens set, which GroupLens .* licenses for research/);
  assert.match(text, /as in fastai/);
  assert.not.match(card({}, { ...report, data: { ...report.data, name: 'xml-100k' } }), /MovieLens set/);
});

test('texts of others stay in their cells and quotes', () => {
  const name = 'a|b`c"\n---\n# x';
  const text = card({}, { ...report, data: { ...report.data, name } });
  assert.is(text.split('\n').filter((line) => line === '---').length, 2);
  assert.ok(text.includes('  - name: "a|b`c\\" --- # x"\n'));
  assert.ok(text.includes('| name | `a\\|b\'c" --- # x` |\n'));
});

test('how to load it: raw scores, ratings in the file, several files', () => {
  assert.match(card(), /ids of users are numbers, those of items texts:/);
  assert.match(card(), /\nrating = 0 \+ 5\.5 \* torch\.sigmoid\(z\)\n/);
  assert.match(card({ range: rangeOf(null) }), /\nrating = z\n/);
  assert.match(card(), /recommend\(userId, 10, \{ exclude: 'none' \}\)/);
  const train = { users: Uint32Array.of(1), items: Uint32Array.of(1), ratings: Float32Array.of(4) };
  assert.match(card({ train }), /recommend\(userId, 10\);[^]*$/);
  assert.match(card({ train }), /It also holds their 1 training ratings; `--no-ratings` leaves them out\./);
  assert.not.match(card({}, undefined, './'), /torch/);
});

test.run();
