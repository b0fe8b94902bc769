import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ifFinite, ifFiniteWgsl } from '../../../shaders/ops/finite.js';
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';

const kernel = defineKernel({
  name: 'ifFinite',
  workgroupSize: 64,
  buffers: { pairs: 'read array<vec2f>', values: 'read_write array<f32>' },
  code: (declarations) => wgsl`${declarations}${ifFiniteWgsl}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&values)) { values[id.x] = ifFinite(pairs[id.x].x, pairs[id.x].y); }
}
`,
});

test('a value keeps its bits beside a finite score, and is NaN beside another, on the device as in its twin', async () => {
  const gpu = await sharedGpu();
  const scores = [0, -0, 1, -3.5, 3.4e38, -3.4e38, 1e-42, NaN, Infinity, -Infinity];
  const values = [0, -0, 13.6306, -7, 3.4e38, Infinity];
  const pairs = scores.flatMap((z) => values.map((value) => [z, value] as const));
  const pipeline = await gpu.compile(kernel);
  const found = await gpu.withScope(async (scope) => {
    const out = scope.allocate('values', 4 * pairs.length);
    const binding = pipeline.bind(scope, { pairs: scope.upload('pairs', Float32Array.from(pairs.flat())), values: out });
    gpu.record('ifFinite').dispatch(binding, pairs.length).submit();
    return gpu.readFloats(out);
  });
  pairs.forEach(([z, value], k) => {
    assert.ok(Object.is(found[k], Math.fround(ifFinite(z, value))), `ifFinite(${z}, ${value}) is ${found[k]}`);
    assert.ok(Object.is(ifFinite(z, value), Number.isFinite(z) ? value : NaN));
  });
});

test.run();
