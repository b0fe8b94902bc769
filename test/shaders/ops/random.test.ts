import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { initialValue as initialValueWgsl, random } from './random.wgsl.js';
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { hash32, initialValue, initialValueKnots, permutationKey, permute, STREAM } from '../../../src/base/random.js';
import { sharedGpu } from '../../helpers/gpu.js';

const gpu = await sharedGpu();

/** The words of a WGSL expression of `x: vec4u`, at all `inputs`. */
async function evaluate(expression: string, inputs: number[][]): Promise<number[]> {
  const kernel = defineKernel({
    name: `random[${expression}]`,
    workgroupSize: 64,
    uniforms: { n: 'u32' },
    buffers: { inputs: 'read array<vec4u>', knots: 'read array<u32>', outputs: 'read_write array<u32>' },
    code: (declarations) => wgsl`${declarations}${random}${initialValueWgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let unused = knots[0];
  if (id.x >= uniforms.n) { return; }
  let x = inputs[id.x];
  outputs[id.x] = ${expression};
}
`,
  });
  const n = inputs.length;
  const pipeline = await gpu.compile(kernel);
  return gpu.withScope(async (scope) => {
    const outputs = scope.allocate('outputs', 4 * n);
    const buffers = {
      inputs: scope.upload('inputs', Uint32Array.from(inputs.flatMap((each) => [...each, 0, 0, 0, 0].slice(0, 4)))),
      knots: scope.upload('knots', Uint32Array.from(initialValueKnots())),
      outputs,
    };
    gpu
      .record()
      .dispatch(pipeline.bind(scope, buffers, { n }), n)
      .submit();
    return [...(await gpu.readWords(outputs))];
  });
}

const WORDS = [0, 1, 2, 41, 0x7fffffff, 0x80000000, 0xdeadbeef, 0xffffffff];
const tuples = WORDS.flatMap((a, i) => WORDS.map((b, j) => [a, b, WORDS[(i * j + 3) % 8], WORDS[(i + 5 * j) % 8]]));

test('hash32 has the bits of its twin', async () => {
  assert.equal(
    await evaluate('hash32(x.x, x.y, x.z, x.w)', tuples),
    tuples.map(([a, b, c, d]) => hash32(a, b, c, d)),
  );
});

test('permutationKey has the bits of its twin', async () => {
  assert.equal(
    await evaluate('permutationKey(x.x, x.y, x.z)', tuples),
    tuples.map(([a, b, c]) => permutationKey(a, b, c)),
  );
});

for (const n of [1, 2, 5, 255, 256, 257, 1000, 90_000, 2 ** 31]) {
  test(`permute of ${n} has the bits of its twin`, async () => {
    const rows = Array.from({ length: Math.min(n, 300) }, (_, k) => [n, hash32(7, n, k & 1, 0), Math.floor((k * n) / Math.min(n, 300))]);
    assert.equal(
      await evaluate('permute(x.x, x.y, x.z)', rows),
      rows.map(([length, key, i]) => permute(length, key, i)),
    );
  });
}

test('initialValue has the bits of its twin', async () => {
  const places = Array.from({ length: 3000 }, (_, k) => [42 + (k % 3), k % 4, hash32(k, 0, 0, 0) % 1000, k]);
  const wanted = Float32Array.from(places, ([seed, table, row, column]) => initialValue(seed, table, row, column));
  const words = await evaluate('bitcast<u32>(initialValue(x.x, x.y, x.z, x.w))', places);
  assert.equal(words, [...new Uint32Array(wanted.buffer)]);
  assert.is(STREAM.TABLE, 3, 'the stream that the WGSL names by its number');
});

test.run();
