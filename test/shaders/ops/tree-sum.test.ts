import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { treeSum } from '../../../shaders/ops/tree-sum.js';
import { defineKernel } from '../../../src/gpu/kernel.js';
import { wgsl } from '../../../src/gpu/wgsl.js';
import { sharedGpu } from '../../helpers/gpu.js';

const gpu = await sharedGpu();

for (const size of [1, 2, 32, 128, 256]) {
  test(`every one of ${size} invocations gets the sum, twice in a row`, async () => {
    const kernel = defineKernel({
      name: `treeSum[${size}]`,
      workgroupSize: size,
      buffers: { sums: 'read_write array<vec2f>' },
      code: (declarations) => wgsl`${declarations}${treeSum('f32', size)}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let first = treeSum(f32(lane + 1u), lane);
  sums[lane] = vec2f(first, treeSum(2.0 * f32(lane), lane));
}
`,
    });
    const pipeline = await gpu.compile(kernel);
    const found = await gpu.withScope((scope) => {
      const sums = scope.allocate('sums', 8 * size);
      gpu.record().dispatchGroups(pipeline.bind(scope, { sums }), 1).submit();
      return gpu.readFloats(sums);
    });
    assert.equal([...found], Array.from({ length: size }, () => [(size * (size + 1)) / 2, size * (size - 1)]).flat());
  });
}

test('a size that is no power of two is refused', () => {
  assert.throws(() => treeSum('f32', 96), /power of two, not 96/);
});

test.run();
