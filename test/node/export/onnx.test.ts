/** Needs onnxruntime-node for the predictions, and says so where it skips: `npm --prefix .ci/onnx ci --ignore-scripts`. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dotProduct } from '../../../shaders/ops/score.js';
import { decodeModel, type DecodedModel, encodeModel } from '../../../src/files/model-file.js';
import { onnxPieces } from '../../../src/node/export/onnx.js';
import { onnxRuntime } from '../../helpers/onnx.js';
import { modelOf, tablesOf } from '../../helpers/rated-model.js';
import { assertRefused } from '../../helpers/refusal.js';

const runtime = onnxRuntime();
const MODELS = {
  'biases and a range': { bias: true, yRange: [0, 5.5] },
  'biases and no range': { bias: true, yRange: null },
  'neither biases nor a range': { bias: false, yRange: null },
  'a range and no biases': { bias: false, yRange: [-1, 1] },
} as const;

if (typeof runtime === 'string') console.log(`\nskipped: predictions of ONNX Runtime: ${runtime}`);
for (const [name, { bias, yRange }] of Object.entries(MODELS)) {
  if (typeof runtime === 'string') break;
  test(`ONNX Runtime predicts what the model predicts: ${name}`, async () => {
    const sizes = { nUsers: 300, nItems: 500, nFactors: 37, bias };
    const tables = tablesOf(sizes, (table, i) => (bias || table < 2 ? Math.sin(1 + i * (table + 1)) * (i % 7 === 0 ? 1.5 : 0.3) : 0));
    const model = await modelOf(sizes, tables, { yRange });
    const session = await runtime.InferenceSession.create(Buffer.concat(onnxPieces(decodeModel(await encodeModel(model)))));
    assert.equal([session.inputNames, session.outputNames], [['user', 'item'], ['prediction']]);
    const n = 5000;
    const users = Uint32Array.from({ length: n }, (_, k) => (k * 7919) % sizes.nUsers);
    const items = Uint32Array.from({ length: n }, (_, k) => (k * 104_729) % sizes.nItems);
    const tensor = (rows: Uint32Array) => new runtime.Tensor('int64', BigInt64Array.from(rows, BigInt), [rows.length]);
    const { prediction } = await session.run({ user: tensor(users), item: tensor(items) });
    const wanted = await model.predictRows(users, items, { unknown: 'na' });
    const off = wanted.reduce((worst, each, k) => Math.max(worst, Math.abs(each - prediction!.data[k])), 0);
    assert.equal(prediction!.dims, [n]);
    console.log(`\nnote: ${name}: the largest of ${n} differences is ${off.toExponential(1)}`);
    assert.ok(off <= 1e-5, `off by ${off}`);
    model.release();
  });
}

const sizes = { nUsers: 3, nItems: 4, nFactors: 2 };
const decoded = async (): Promise<DecodedModel> =>
  decodeModel(
    await encodeModel(
      await modelOf(
        sizes,
        tablesOf(sizes, () => 1),
      ),
    ),
  );

test('another score, another range, and what is larger than such a file may be, are refused by name', async () => {
  const model = await decoded();
  await assertRefused(
    async () => onnxPieces({ ...model, score: { ...dotProduct, name: 'nearness', isDotProduct: undefined } }),
    /^ONNX is written for the dot product, and the score of this model is nearness\.$/,
    TypeError,
  );
  await assertRefused(
    async () => onnxPieces({ ...model, range: { ...model.range, name: 'myRange' } }),
    /^ONNX is written for sigmoidRange or no range, and the range of this model is myRange\.$/,
    TypeError,
  );
  // Zeros that nobody reads take no memory.
  const tables = { ...model.tables, userFactors: new Float32Array(2 ** 29) };
  await assertRefused(
    async () => onnxPieces({ ...model, tables }),
    /^As ONNX this model has 2147484\d+ bytes, and such a file ends at 2147483647\.$/,
  );
});

test.run();
