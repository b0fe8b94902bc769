/** Structs as WGSL lays them out: the rules, and what a kernel reads of an array written on the host. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineKernel, read, readWrite } from '../../src/gpu/kernel.js';
import { type Fields, type FieldType, type Struct, struct, StructArray, type StructValue, withInner } from '../../src/gpu/struct.js';
import { wgsl } from '../../src/gpu/wgsl.js';
import { sharedGpu } from '../helpers/gpu.js';
import { randomSource } from '../helpers/random.js';

const gpu = await sharedGpu();

/** Kinds of fields; a list is a struct. */
type Shape = 'u32' | 'i32' | 'f32' | 'vec2f' | 'vec3f' | 'vec4f' | readonly Shape[];
const leaf = fc.constantFrom<Shape>('u32', 'i32', 'f32', 'vec2f', 'vec3f', 'vec4f');
const { shape } = fc.letrec<{ shape: readonly Shape[]; field: Shape }>((tie) => ({
  field: fc.oneof({ maxDepth: 3 }, { weight: 4, arbitrary: leaf }, { weight: 1, arbitrary: tie('shape') }),
  shape: fc.array(tie('field'), { minLength: 1, maxLength: 6 }),
}));

/** The struct of a shape. Each has a name of its own. */
function declare(fields: readonly Shape[], name = 'S'): Struct<Fields> {
  return struct(
    name,
    Object.fromEntries(fields.map((type, i) => [`f${i}`, typeof type === 'string' ? type : declare(type, `${name}${i}`)])),
  );
}

/** Scalars in a field. */
const components = (type: FieldType) => (typeof type === 'string' ? Number(/vec(.)f/.exec(type)?.[1] ?? 1) : NaN);

interface Leaf {
  /** As WGSL writes it after an element: `.f0.f1.x`. */
  path: string;
  word: number;
}

/** Every scalar of a struct. */
function leaves(of: Struct<Fields>, path = '', first = 0): Leaf[] {
  return Object.entries(of.fields).flatMap(([name, type]) => {
    const word = first + of.at[name];
    if (typeof type !== 'string') return leaves(type as Struct<Fields>, `${path}.${name}`, word);
    const n = components(type);
    const each = n === 1 ? [''] : ['.x', '.y', '.z', '.w'].slice(0, n);
    return each.map((component, i) => ({ path: `${path}.${name}${component}`, word: word + i }));
  });
}

test('fields lie where WGSL puts them: as early as order and alignment allow', () => {
  const size = (type: FieldType) => (typeof type === 'string' ? 4 * components(type) : 4 * type.size);
  const align = (type: FieldType): number =>
    typeof type === 'string' ? { 1: 4, 2: 8, 3: 16, 4: 16 }[components(type)]! : Math.max(...Object.values(type.fields).map(align));
  fc.assert(
    fc.property(shape, (fields) => {
      for (const each of withInner(declare(fields))) {
        let end = 0;
        for (const [name, type] of Object.entries(each.fields)) {
          const begin = 4 * each.at[name];
          assert.is(begin % align(type), 0, `${name} is aligned`);
          assert.ok(begin >= end && begin - end < align(type), `${name} begins at ${begin} after ${end}`);
          end = begin + size(type);
        }
        assert.is(each.align, align(each));
        assert.is((4 * each.size) % each.align, 0);
        assert.ok(4 * each.size >= end && 4 * each.size - end < each.align);
      }
    }),
  );
});

test('a kernel reads, field by field, what was written, and writes it back to where the host looks', async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.nat(), async (fields, seed) => {
      const of = declare(fields);
      const N = 3;
      const random = randomSource(seed);
      const array = new StructArray(of, N);
      /** The words of all scalars, one element after the other. */
      const wanted: number[] = [];
      const fill = (type: FieldType): unknown => {
        if (typeof type !== 'string') return Object.fromEntries(Object.entries(type.fields).map(([name, inner]) => [name, fill(inner)]));
        const bits = Uint32Array.from({ length: components(type) }, () => 2 ** 32 * random());
        if (type === 'u32' || type === 'i32') {
          wanted.push(bits[0]);
          return type === 'u32' ? bits[0] : bits[0] | 0;
        }
        const floats = Float32Array.from(bits, (word) => word / 2 ** 24 - 100);
        wanted.push(...new Uint32Array(floats.buffer));
        return type === 'f32' ? floats[0] : floats;
      };
      for (let i = 0; i < N; i++) array.set(i, fill(of) as StructValue<Fields>);

      const scalars = leaves(of);
      const lines = scalars.flatMap(({ path }, k) => [
        `  words[${scalars.length}u * i + ${k}u] = bitcast<u32>(input[i]${path});`,
        `  output[i]${path} = input[i]${path};`,
      ]);
      const kernel = defineKernel({
        name: `copy[${JSON.stringify(fields)}]`,
        workgroupSize: N,
        buffers: { input: read(of), words: 'read_write array<u32>', output: readWrite(of) },
        code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) i: u32) {
${lines.join('\n')}
}
`,
      });
      const pipeline = await gpu.compile(kernel);
      const [words, copy] = await gpu.withScope((scope) => {
        const out = { words: scope.allocate('words', 4 * wanted.length), output: scope.allocate('output', 4 * of.size * N) };
        const binding = pipeline.bind(scope, { input: scope.upload('input', array.words), ...out });
        gpu.record().dispatchGroups(binding, 1).submit();
        return Promise.all([gpu.readWords(out.words), gpu.readWords(out.output)]);
      });
      assert.equal(Array.from(words), wanted, 'what the kernel reads');
      const found = wanted.map((_, j) => copy[Math.floor(j / scalars.length) * of.size + scalars[j % scalars.length].word]);
      assert.equal(found, wanted, 'what the host finds');
    }),
    { numRuns: 12 },
  );
});

test('the declaration is WGSL, inner structs first', () => {
  const Inner = struct('Inner', { a: 'vec3f', b: 'f32' });
  const Outer = struct('Outer', { n: 'u32', first: Inner, second: Inner });
  assert.is(Outer.wgsl, 'struct Outer {\n  n: u32,\n  first: Inner,\n  second: Inner,\n}\n');
  assert.equal(withInner(Outer), [Inner, Inner, Outer]);
  assert.equal(Inner.at, { a: 0, b: 3 });
  assert.equal(Outer.at, { n: 0, first: 4, second: 8 });
  assert.equal([Inner.size, Outer.size, Outer.align], [4, 12, 16]);
});

test('a slice holds the words of its elements, and is no copy', () => {
  const array = new StructArray(struct('Pair', { a: 'u32', b: 'f32' }), 4);
  for (let i = 0; i < 4; i++) array.set(i, { a: i, b: i / 2 });
  assert.equal(Array.from(array.slice(1, 3)), [1, 0x3f000000, 2, 0x3f800000]);
  array.slice(3, 4)[0] = 9;
  assert.is(array.words[6], 9);
});

test.run();
