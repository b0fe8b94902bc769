import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { mse } from '../../shaders/ops/loss.js';
import { identity, sigmoidRange } from '../../shaders/ops/range.js';
import { dotProduct } from '../../shaders/ops/score.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { DotbiasError, ShaderCompileError } from '../../src/base/errors.js';
import { checkOp } from '../../src/train/check-op.js';
import { sharedGpu } from '../helpers/gpu.js';
import { cosine, logCosh, negativeSquaredDistance, rmsProp, softplusAbove } from '../helpers/ops.js';
import { assertRefused } from '../helpers/refusal.js';

const test = suite('checkOp');
const gpu = await sharedGpu();

for (const op of [mse, logCosh, identity, sigmoidRange([0, 5.5]), softplusAbove(1), dotProduct, negativeSquaredDistance, cosine]) {
  test(`${op.name} passes`, () => checkOp(gpu, op));
}
for (const op of [adam(), adam({ beta2: 0.9, eps: 1e-5 }), sgd(), sgd({ momentum: true }), rmsProp]) {
  test(`${op.name} passes with ${JSON.stringify(op.uniforms ?? {})}`, () => checkOp(gpu, op));
}

/** The op with a part of its WGSL replaced by another. */
function mutant<T extends { wgsl: string }>(op: T, from: string, to: string): T {
  assert.ok(op.wgsl.includes(from), from);
  return { ...op, wgsl: op.wgsl.replace(from, to) };
}

const range = sigmoidRange([0, 5.5]);
type Vector = ArrayLike<number>;
const idle = (optimizer = adam()) => optimizer.idle!;
const wrong: [what: string, op: Parameters<typeof checkOp>[1], message: RegExp][] = [
  [
    'a wrong loss in WGSL is named, with arguments and both values',
    { ...mutant(mse, 'return e * e', 'return e * e + 0.001'), name: 'wrong' },
    /^wrong: WGSL loss\(-?[\d.]+, -?[\d.]+\) is [\d.]+, but its twin's value is [\d.]+\.$/,
  ],
  ['a wrong gradient of a loss in WGSL', mutant(mse, '2.0', '2.001'), /^mse: WGSL lossGrad/],
  [
    'a gradient of a loss that is not the slope',
    { ...mutant(mse, '2.0', '1.0'), grad: (yHat: number, y: number) => yHat - y },
    /^mse: grad\(.*\) is .*, but the slope of value is/,
  ],
  ['a wrong range in WGSL', mutant(range, 'return uniforms.lo', 'return 0.001 + uniforms.lo'), /^sigmoidRange: WGSL range\(/],
  ['a wrong slope of a range in WGSL', mutant(range, '(1.0 - s)', '(1.001 - s)'), /^sigmoidRange: WGSL rangeGrad\(/],
  [
    'a slope of a range that is not the slope',
    { ...identity, wgsl: identity.wgsl.replace('1.0', '2.0'), grad: () => 2 },
    /the slope of value is/,
  ],
  ['a range that leaves its bounds', { ...identity, bounds: [0, 5] }, /value\(-[\d.]+\) is -[\d.]+, outside its bounds of 0 to 5\.$/],
  ['a wrong score in WGSL', mutant(negativeSquaredDistance, '-dot(d, d)', '-1.001 * dot(d, d)'), /WGSL scoreValue of the sum\(\[/],
  [
    "a wrong gradient of a score's user",
    mutant(dotProduct, '{ return item; }', '{ return 1.001 * item; }'),
    /WGSL scoreUserGrad\(.*factor 0/,
  ],
  [
    "a wrong gradient of a score's item",
    mutant(dotProduct, '{ return user; }', '{ return 1.001 * user; }'),
    /WGSL scoreItemGrad\(.*factor 0/,
  ],
  [
    'a score that counts padding',
    {
      ...mutant(dotProduct, 'return dot(user, item)', 'return dot(user + 1.0, item + 1.0)'),
      value: (u: Vector, i: Vector) => u.length + dotProduct.value(u, i),
    },
    /scoreValue/,
  ],
  [
    'a gradient of padding',
    mutant(dotProduct, '{ return item; }', '{ return item + vec4f(0.0, 0.0, 0.01, 0.0) * f32(item.z == 0.0); }'),
    /padding is 0/,
  ],
  [
    'a gradient of a score that is not the slope',
    {
      ...mutant(dotProduct, '{ return item; }', '{ return 2.0 * item; }'),
      grad: (u: Vector, i: Vector) => [Array.from(i, (x) => 2 * x), Array.from(u)] as const,
    },
    /side 0, factor 0, is .*, but the slope of value is/,
  ],
  ['a wrong parameter of an optimiser', mutant(adam(), '+ uniforms.eps', '+ 2.0 * uniforms.eps + 0.1'), /^adam: p of WGSL update with p/],
  ['a wrong state of an optimiser', mutant(adam(), '(1.0 - uniforms.beta2)', '(1.01 - uniforms.beta2)'), /^adam: [pv] of WGSL update with/],
  ['a wrong state of one that keeps one', mutant(rmsProp, 'uniforms.alpha *', '0.9 *'), /^rmsProp: [pm] of WGSL update with/],
  [
    'a closed form that is not as many single steps',
    { ...adam(), idle: { ...idle(), advance: ([p, m, v], input) => idle().advance([1.001 * p, m, v], input) } },
    /^adam: p after idle steps 0 to 1 .* by its closed form is .*, but by single steps it is/,
  ],
  [
    'a closed form whose WGSL is another',
    { ...adam(), idle: mutant(idle(), 'wdDecay * rest', 'rest') },
    /by WGSL idle is .*, but its twin's is/,
  ],
  [
    'a closed form of momentum whose WGSL is another',
    { ...sgd({ momentum: true }), idle: mutant(idle(sgd({ momentum: true })), '*m *= decays.x', '*m *= decays.y') },
    /^sgd with momentum: [pm] after idle steps .* by WGSL idle is/,
  ],
];
for (const [what, op, message] of wrong) {
  test(`found: ${what}`, () => assertRefused(() => checkOp(gpu, op), message, DotbiasError));
}

test('WGSL that does not compile is quoted', async () => {
  const error = await checkOp(gpu, mutant(mse, 'return e * e', 'return nonsense')).then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.instance(error, ShaderCompileError);
  assert.match(error!.message, /checkOp\[mse\].*\n.*nonsense/s);
});

test('nothing stays allocated', async () => {
  const before = gpu.allocated;
  for (const op of [mse, adam(), range, cosine]) await checkOp(gpu, op);
  assert.is(gpu.allocated, before);
});

test.run();
