import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineKernel, kernelSource, packScalars } from '../../src/gpu/kernel.js';
import { f32, wgsl } from '../../src/gpu/wgsl.js';

const kernel = defineKernel({
  name: 'example',
  workgroupSize: 32,
  uniforms: { nRows: 'u32', lo: 'f32' },
  immediates: { step: 'u32' },
  buffers: { rows: 'read array<vec4f>', out: 'read_write array<f32>' },
  code: (declarations) => `${declarations}// the code`,
});

test('bindings are declared in the order of the spec, uniforms last', () => {
  const source = kernelSource(kernel, 'immediate');
  assert.match(
    source,
    /@binding\(0\) var<storage, read> rows: array<vec4f>;\n@group\(0\) @binding\(1\) var<storage, read_write> out: array<f32>;/,
  );
  assert.match(source, /struct Uniforms {\n {2}nRows: u32,\n {2}lo: f32,\n}\n@group\(0\) @binding\(2\) var<uniform> uniforms: Uniforms;/);
  assert.match(source, /const WORKGROUP_SIZE = 32u;/);
  assert.match(source, /\/\/ the code$/);
});

test('immediates are immediates or a uniform of group 1', () => {
  assert.match(kernelSource(kernel, 'immediate'), /^requires immediate_address_space;\n[^]*var<immediate> immediates: Immediates;/);
  const plain = kernelSource(kernel, 'dynamic uniform');
  assert.match(plain, /@group\(1\) @binding\(0\) var<uniform> immediates: Immediates;/);
  assert.not.match(plain, /requires|var<immediate>/);
});

test('a kernel without uniforms or immediates declares none', () => {
  const source = kernelSource(
    defineKernel({ name: 'bare', workgroupSize: 1, buffers: { out: 'read_write array<f32>' }, code: (declarations) => declarations }),
    'immediate',
  );
  assert.not.match(source, /uniform|requires/i);
});

test('more buffers than are portable are refused', () => {
  const buffers = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`b${i}`, 'read array<f32>' as const]));
  assert.throws(() => defineKernel({ name: 'wide', workgroupSize: 1, buffers, code: String }), /wide: 9 storage buffers, at most 8/);
});

test('more immediates than are portable are refused', () => {
  const immediates = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`i${i}`, 'u32' as const]));
  assert.throws(
    () => defineKernel({ name: 'wide', workgroupSize: 1, immediates, buffers: {}, code: String }),
    /wide: immediates exceed 64 bytes/,
  );
});

test('scalars are packed by type, in the order of their fields', () => {
  const words = packScalars('k', { a: 'u32', b: 'f32', c: 'i32' }, { c: -1, b: 1.5, a: 7 });
  assert.equal([...words], [7, 0x3fc00000, 0xffffffff]);
});

test('numbers become WGSL floats', () => {
  assert.equal([1, -0.5, 1e-8, 1e30].map(f32), ['1.0f', '-0.5f', '9.99999993922529e-9f', '1.0000000150474662e+30f']);
  assert.throws(() => f32(NaN), /no literal for NaN/);
  assert.throws(() => f32(Infinity), /no literal for Infinity/);
});

test('the tag keeps the branch that is taken', () => {
  const text = (yes: boolean) =>
    wgsl`
    #if ${yes}
    a
    #else
    b
    #endif`.trim();
  assert.equal([text(true), text(false)], ['a', 'b']);
});

test.run();
