import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allUniforms, defineKernel, kernelSource, type Op, packScalars, read, readWrite } from '../../src/gpu/kernel.js';
import { struct } from '../../src/gpu/struct.js';
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
    /wide: its immediates exceed 64 bytes/,
  );
});

const op = (name: string, uniforms: Record<string, number>): Op => ({ name, uniforms, wgsl: `fn ${name}() {}\n` });
const withOps = (...ops: Op[]) =>
  defineKernel({ name: 'k', workgroupSize: 1, uniforms: { n: 'u32' }, buffers: {}, ops, code: (declarations) => declarations });

test('constants of ops join the uniforms, and their functions follow the declarations', () => {
  const kernel = withOps(op('first', { lo: 1, hi: 2 }), op('second', { beta: 3 }), { name: 'third', wgsl: 'fn third() {}\n' });
  assert.equal(allUniforms(kernel), { n: 'u32', lo: 'f32', hi: 'f32', beta: 'f32' });
  assert.match(
    kernelSource(kernel, 'immediate'),
    /struct Uniforms {\n {2}n: u32,\n {2}lo: f32,\n {2}hi: f32,\n {2}beta: f32,\n}[^]*fn first\(\) {}\nfn second\(\) {}\nfn third/,
  );
});

test('two uniforms of one name are refused, by the names of both', () => {
  assert.throws(
    () => withOps(op('first', { lo: 1 }), op('second', { lo: 1 })),
    /^k: second and first both have a uniform 'lo'; rename one\.$/,
  );
  assert.throws(() => withOps(op('first', { n: 1 })), /^k: first and the kernel both have a uniform 'n'; rename one\.$/);
});

test('structs are declared before the buffers that hold them, inner ones first and none twice', () => {
  const Inner = struct('Inner', { a: 'f32' });
  const Outer = struct('Outer', { one: Inner, two: Inner });
  const kernel = defineKernel({
    name: 'structs',
    workgroupSize: 1,
    buffers: { outers: read(Outer), inners: readWrite(Inner) },
    code: (declarations) => declarations,
  });
  const source = kernelSource(kernel, 'immediate');
  assert.match(
    source,
    /struct Inner {[^]*struct Outer {[^]*var<storage, read> outers: array<Outer>;\n.*var<storage, read_write> inners: array<Inner>;/,
  );
  assert.is(source.split('struct Inner').length, 2);
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
