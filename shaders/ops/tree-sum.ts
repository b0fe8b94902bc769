import { wgsl } from '../../src/gpu/wgsl.js';

/**
 * Sum over a workgroup by a binary tree in workgroup memory: always the same order, so the bits repeat (a subgroup sum
 * has no defined order). All invocations must call it; each gets the sum.
 */
export const treeSum = (type: 'f32' | 'vec4f', workgroupSize: number) => {
  if (!Number.isInteger(Math.log2(workgroupSize))) throw new RangeError(`treeSum needs a power of two, not ${workgroupSize}`);
  return wgsl`
var<workgroup> treeSums: array<${type}, ${workgroupSize}>;
fn treeSum(value: ${type}, lane: u32) -> ${type} {
  treeSums[lane] = value;
  for (var half = ${workgroupSize >> 1}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { treeSums[lane] += treeSums[lane + half]; }
  }
  workgroupBarrier();
  let sum = treeSums[0];
  workgroupBarrier();
  return sum;
}
`;
};
