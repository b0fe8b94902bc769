import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nonFinite } from '../../../shaders/train/non-finite.wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';
import { nonFinite as twin } from '../../twins/non-finite.js';

const gpu = await sharedGpu();
const pipeline = await gpu.compile(nonFinite);

/** Whether the kernel, and its twin, find something in the first `nVecs` vec4s. */
async function finds(values: Float32Array<ArrayBuffer>, nVecs = values.length / 4): Promise<boolean> {
  return gpu.withScope(async (scope) => {
    const found = scope.upload('found', Uint32Array.of(0));
    const binding = pipeline.bind(scope, { values: scope.upload('values', values), found }, { nVecs });
    gpu.record('nonFinite').dispatch(binding, nVecs).submit();
    const own = new Uint32Array(1);
    twin({ values: Float64Array.from(values), found: own }, { nVecs });
    const [word] = await gpu.readWords(found);
    assert.is(word, own[0]);
    return word === 1;
  });
}

for (const n of [4, 256, 260, 40_000]) {
  test(`one number that is not finite is found wherever it is: ${n} numbers`, async () => {
    const values = Float32Array.from({ length: n }, (_, i) => [0, -0, 3.4e38, -3.4e38, 1e-42][i % 5]);
    assert.not(await finds(values));
    for (const at of [0, 1, n >> 1, n - 1]) {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const spoilt = values.slice();
        spoilt[at] = bad;
        assert.ok(await finds(spoilt), `${bad} at ${at}`);
      }
    }
  });
}

test('what lies beyond is not looked at', async () => {
  assert.not(await finds(Float32Array.of(1, 2, 3, 4, NaN, NaN, NaN, NaN), 1));
});

test.run();
