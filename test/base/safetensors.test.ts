import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { FileFormatError } from '../../src/base/errors.js';
import { readSafetensors, writeSafetensors, type Tensor } from '../../src/base/safetensors.js';

const utf8 = new TextEncoder();

/** A file from a header text (or bytes) and data, with the true header length unless another is claimed. */
function fileOf(header: string | Uint8Array, data: ArrayLike<number> = [], claimed?: bigint): Uint8Array {
  const text = typeof header === 'string' ? utf8.encode(header) : header;
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

const headerText = (file: Uint8Array) =>
  new TextDecoder().decode(file.subarray(8, 8 + Number(new DataView(file.buffer).getBigUint64(0, true))));

const bits = (data: Tensor['data']) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function assertSame(read: Record<string, Tensor>, written: Record<string, Tensor>): void {
  assert.equal(Object.keys(read).sort(), Object.keys(written).sort());
  for (const [name, { dtype, shape, data }] of Object.entries(written)) {
    assert.is(read[name].dtype, dtype);
    assert.equal(read[name].shape, shape);
    assert.is(read[name].data.constructor, data.constructor);
    assert.equal(Array.from(bits(read[name].data)), Array.from(bits(data)), name);
  }
}

function refused(file: Uint8Array, message: RegExp): void {
  assert.throws(
    () => readSafetensors(file),
    (e: Error) => e instanceof FileFormatError && message.test(e.message),
  );
}

/** Header of one tensor called a; extra fields replace its own. */
const one = (extra: object = {}) => JSON.stringify({ a: { dtype: 'U8', shape: [2], data_offsets: [0, 2], ...extra } });

// ---- The format

test('the bytes are those of the specification', () => {
  const file = writeSafetensors({ a: { dtype: 'U8', shape: [3], data: Uint8Array.of(7, 8, 9) } });
  const json = '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}'; // 53 characters, padded to 56
  assert.equal(Array.from(file), [56, 0, 0, 0, 0, 0, 0, 0, ...utf8.encode(`${json}   `), 7, 8, 9]);
});

test('numbers are little-endian', () => {
  const file = writeSafetensors({ a: { dtype: 'U32', shape: [], data: Uint32Array.of(0x01020304) } });
  assert.equal(Array.from(file.subarray(-4)), [4, 3, 2, 1]);
});

test('a file laid out by the Python library is read: metadata first, widest dtype first, padded', () => {
  const header =
    '{"__metadata__":{"format":"np"},"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},' +
    '"f":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}';
  const data = [0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x80, 0xbf];
  const { tensors, metadata } = readSafetensors(fileOf(header.padEnd(144), data));
  assert.is(metadata.format, 'np');
  assertSame(tensors, {
    d: { dtype: 'F64', shape: [1], data: Float64Array.of(1.5) },
    f: { dtype: 'F32', shape: [1, 2], data: Float32Array.of(2, -1) },
  });
});

test('the data starts at a multiple of 8 and every tensor at a multiple of its element size', () => {
  const file = writeSafetensors({
    byte: { dtype: 'U8', shape: [3], data: new Uint8Array(3) },
    double: { dtype: 'F64', shape: [1], data: new Float64Array(1) },
    float: { dtype: 'F32', shape: [1], data: new Float32Array(1) },
  });
  const header = JSON.parse(headerText(file));
  assert.is(headerText(file).length % 8, 0);
  assert.equal(
    [header.double, header.float, header.byte].map((entry) => entry.data_offsets),
    [
      [0, 8],
      [8, 12],
      [12, 15],
    ],
  );
});

test('the order of the tensors given does not change the bytes', () => {
  const a: Tensor = { dtype: 'F32', shape: [1], data: Float32Array.of(1) };
  const b: Tensor = { dtype: 'F32', shape: [1], data: Float32Array.of(2) };
  assert.equal(writeSafetensors({ b, 7: a, a }), writeSafetensors({ a, b, 7: a }));
});

test('a part of a larger buffer is written as that part', () => {
  const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  assertSame(readSafetensors(writeSafetensors({ a: { dtype: 'F32', shape: [2], data } })).tensors, {
    a: { dtype: 'F32', shape: [2], data: Float32Array.of(2, 3) },
  });
});

// ---- Round trips

const shape = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });
const tensor: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom('F64', 'I64', 'F32', 'I32', 'U32', 'U8'), shape, fc.infiniteStream(fc.nat({ max: 255 })))
  .map(([dtype, dims, stream]) => {
    const types = { F64: Float64Array, I64: BigInt64Array, F32: Float32Array, I32: Int32Array, U32: Uint32Array, U8: Uint8Array };
    const data = new types[dtype as 'U8'](dims.reduce((n, size) => n * size, 1));
    const random = bits(data);
    for (let i = 0; i < random.length; i++) random[i] = stream.next().value;
    return { dtype, shape: dims, data } as Tensor;
  });
const name = fc
  .oneof(fc.string({ unit: 'binary' }), fc.constantFrom('7', 'constructor', 'toString', '"', '\\', '":', 'a:b'))
  .filter((text) => text !== '__proto__' && text !== '__metadata__');
const tensorsByName = fc.dictionary(name, tensor, { maxKeys: 6 });
const strings = fc.dictionary(name, fc.string({ unit: 'binary' }), { maxKeys: 4 });

test('tensors of any shape are read back bit for bit as they were written, NaN payloads, names and metadata included', () => {
  fc.assert(
    fc.property(tensorsByName, strings, (written, metadata) => {
      const file = writeSafetensors(written, metadata);
      const read = readSafetensors(file);
      assertSame(read.tensors, written);
      assert.equal({ ...read.metadata }, { ...metadata });
      assert.equal(writeSafetensors(read.tensors, read.metadata), file);
    }),
    { numRuns: 200 },
  );
});

test('a file at any offset of a larger buffer reads the same: views where aligned, copies elsewhere', () => {
  const written: Record<string, Tensor> = {
    d: { dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) },
    f: { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) },
    u: { dtype: 'U8', shape: [1], data: Uint8Array.of(255) },
  };
  const file = writeSafetensors(written);
  for (let offset = 0; offset < 9; offset++) {
    const buffer = Buffer.alloc(file.length + 20, 0xaa); // a Buffer, whose slice() does not copy
    const part = buffer.subarray(offset, offset + file.length);
    part.set(file);
    const { tensors } = readSafetensors(part);
    assertSame(tensors, written);
    for (const { data } of Object.values(tensors)) {
      const isView = data.buffer === buffer.buffer;
      assert.is(isView, part.byteOffset % data.BYTES_PER_ELEMENT === 0, `${data.constructor.name} at ${offset}`);
    }
  }
});

test('no tensors, no elements and scalars are files too', () => {
  assertSame(readSafetensors(writeSafetensors({})).tensors, {});
  const written: Record<string, Tensor> = {
    empty: { dtype: 'F32', shape: [0, 5], data: new Float32Array(0) },
    scalar: { dtype: 'I64', shape: [], data: BigInt64Array.of(-(2n ** 63n)) },
  };
  assertSame(readSafetensors(writeSafetensors(written)).tensors, written);
});

test('a name that the file does not have is undefined, even one that objects inherit', () => {
  const { tensors, metadata } = readSafetensors(writeSafetensors({}, {}));
  assert.is(tensors['constructor'], undefined);
  assert.is(metadata['toString'], undefined);
});

// ---- What the writer refuses

test('the writer refuses what it could not read back', () => {
  const data = Float32Array.of(1, 2);
  const write = (t: object, metadata?: object) => () => writeSafetensors({ w: t as Tensor }, metadata as Record<string, string>);
  const good = { dtype: 'F32', shape: [2], data };
  const type = (message: RegExp) => (e: Error) => e instanceof TypeError && message.test(e.message);
  const range = (message: RegExp) => (e: Error) => e instanceof RangeError && message.test(e.message);
  assert.throws(write({ ...good, shape: [3] }), range(/"w": shape \[3\] does not fit its 2 elements/));
  assert.throws(write({ ...good, shape: [-1, -2] }), range(/shape/));
  assert.throws(write({ ...good, shape: [0.5, 4] }), range(/shape/));
  assert.throws(write({ ...good, dtype: 'F16' }), type(/unknown dtype "F16"/));
  assert.throws(write({ ...good, dtype: 'toString' }), type(/unknown dtype/));
  assert.throws(write({ ...good, dtype: 'I32' }), type(/declared I32, so its data must be of type Int32Array/));
  assert.throws(write(good, { epochs: 5 }), type(/Metadata "epochs" must be a string, not number/));
  assert.throws(write(good, { note: '\ud800' }), range(/Metadata "note" is not valid Unicode/));
  for (const bad of ['__metadata__', '__proto__', 'half \udc00']) {
    const named = Object.fromEntries([[bad, good as Tensor]]);
    assert.throws(() => writeSafetensors(named), range(/reserved|not allowed|Unicode/), bad);
  }
});

// ---- What the reader refuses

const bad: Record<string, [header: string | Uint8Array, data: number, message: RegExp]> = {
  'header that is not JSON': ['{"a":', 0, /not JSON/],
  'header of no bytes': ['', 0, /not JSON/],
  'header that is a list': ['[]', 0, /not a JSON object/],
  'header that is null': ['null', 0, /not a JSON object/],
  'header that does not begin with a brace': [' {}', 0, /not a JSON object/],
  'header with a byte order mark': ['\ufeff{}', 0, /not JSON/],
  'header that is not UTF-8': [Uint8Array.of(0x7b, 0xff, 0x7d), 0, /not UTF-8/],
  'tensor that is not an object': ['{"a":[]}', 0, /"a" .* not described/],
  'tensor without offsets': ['{"a":{"dtype":"U8","shape":[]}}', 0, /must have the fields/],
  'tensor with another field': [one({ x: 1 }), 2, /no others/],
  'unknown dtype': [one({ dtype: 'F16' }), 2, /dtype "F16"; known are F64/],
  'inherited dtype': [one({ dtype: 'constructor' }), 2, /dtype "constructor"/],
  'dtype that is null': [one({ dtype: null }), 2, /dtype null/],
  'negative size': [one({ shape: [-1, -2] }), 2, /shape \[-1,-2\]/],
  'fractional size': [one({ shape: [0.5, 4] }), 2, /shape \[0.5,4\]/],
  'size as text': [one({ shape: ['2'] }), 2, /shape \["2"\]/],
  'shape that is a number': [one({ shape: 2 }), 2, /shape 2/],
  'size beyond exact numbers': [one({ shape: [2 ** 53] }), 2, /shape/],
  'product that overflows': [one({ shape: [2 ** 40, 2 ** 40, 2 ** 40] }), 2, /too large/],
  'product that overflows before a zero': [one({ shape: [2 ** 40, 2 ** 40, 0] }), 2, /too large/],
  'product that would wrap to the right size': [one({ shape: [2 ** 32, 2 ** 32, 2] }), 2, /too large/],
  'size that overflows in bytes': [one({ dtype: 'F64', shape: [2 ** 51] }), 2, /too large/],
  'shape nested too deep to print': [
    `{"a":{"dtype":"U8","shape":${'['.repeat(1e5)}${']'.repeat(1e5)},"data_offsets":[0,2]}}`,
    2,
    /its header has brackets 100002 deep, where 3 are the most/,
  ],
  'offsets that do not match the shape': [one({ data_offsets: [0, 3] }), 3, /spans 3 bytes, but U8 of shape \[2\] needs 2/],
  'offsets reversed': [one({ data_offsets: [2, 0] }), 2, /spans -2 bytes/],
  'negative offsets': [one({ data_offsets: [-2, 0] }), 2, /data_offsets \[-2,0\]/],
  'three offsets': [one({ data_offsets: [0, 2, 4] }), 2, /data_offsets/],
  'offsets past the end': [one(), 1, /truncated: tensor "a" has bytes 0 to 2 of only 1/],
  'offsets far past the end': [one({ shape: [2 ** 50], data_offsets: [0, 2 ** 50] }), 2, /truncated/],
  'gap at the start': [one({ data_offsets: [1, 3] }), 3, /leave a gap/],
  'bytes left over': [one(), 5, /3 bytes after its last tensor/],
  'bytes but no tensors': ['{}', 1, /1 bytes after/],
  overlap: [
    '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
    3,
    /overlap: tensor "b"/,
  ],
  'two names for the same bytes': [
    '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
    2,
    /overlap/,
  ],
  'a tensor named twice': [`{${one().slice(1, -1)},${one().slice(1, -1)}}`, 2, /twice/],
  'a tensor named twice, once escaped': [`{${one().slice(1, -1)},${one().slice(1, -1).replace('"a"', '"\\u0061" ')}}`, 2, /twice/],
  'a field named twice': [one().replace('"dtype"', '"dtype":"F32","dtype"'), 2, /twice/],
  'metadata named twice': ['{"__metadata__":{"k":"1","k":"2"}}', 0, /twice/],
  'two metadata': ['{"__metadata__":{},"__metadata__":{}}', 0, /twice/],
  'tensor called __proto__': ['{"__proto__":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1, /__proto__/],
  'metadata called __proto__': ['{"__metadata__":{"__proto__":"x"}}', 0, /__proto__/],
  'field called __proto__': [one().replace('"dtype"', '"__proto__":{},"dtype"'), 2, /no others/],
  'metadata that is not an object': ['{"__metadata__":"x"}', 0, /__metadata__ is not an object/],
  'metadata that is not strings': ['{"__metadata__":{"n":1}}', 0, /metadata "n" is not a string/],
};

for (const [what, [header, dataBytes, message]] of Object.entries(bad)) {
  test(`refused: ${what}`, () => refused(fileOf(header, new Uint8Array(dataBytes)), message));
}

test('those refusals are for the stated reason: the same file without the fault is read', () => {
  assert.equal(readSafetensors(fileOf(one(), [1, 2])).tensors['a'].data, Uint8Array.of(1, 2));
  const spaced = one().replace(/[":,]+/g, (mark) => (mark === ',' ? ' ,\n' : mark.replace(':', '\t :\r\n ')));
  assert.equal(readSafetensors(fileOf(spaced, [1, 2])).tensors['a'].data, Uint8Array.of(1, 2));
  assert.equal({ ...readSafetensors(fileOf('{"__metadata__":{"k":"\\":\\"k\\":"}}')).metadata }, { k: '":"k":' });
});

test('a header length that lies is refused before anything is allocated for it', () => {
  refused(fileOf('{}', [], 2n ** 64n - 1n), /claims 18446744073709551615 bytes, more than the 100000000/);
  refused(fileOf('{}', [], 100_000_001n), /more than the 100000000/);
  refused(fileOf('{}', [], 100_000_000n), /truncated: its header claims 100000000 bytes, but only 2 follow/);
  refused(fileOf('{}', [], 3n), /truncated/);
  assert.throws(() => readSafetensors(fileOf('{}'), { maxHeaderBytes: 1 }), /claims 2 bytes, more than the 1 accepted/);
});

// ---- Fuzz

const valid = writeSafetensors(
  {
    userBias: { dtype: 'F32', shape: [3], data: Float32Array.of(0.5, -1, 2) },
    m: { dtype: 'F64', shape: [2, 1], data: Float64Array.of(1, 2) },
    codes: { dtype: 'U8', shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
    step: { dtype: 'I64', shape: [], data: BigInt64Array.of(60n) },
  },
  { seed: '42' },
);

/** Reads, and checks that nothing but a refusal or tensors that lie within the file comes out. */
function readsSafely(file: Uint8Array): boolean {
  let read;
  try {
    read = readSafetensors(file);
  } catch (e) {
    assert.instance(e, FileFormatError);
    return false;
  }
  let total = 0;
  for (const { shape: dims, data } of Object.values(read.tensors)) {
    assert.is(
      dims.reduce((n, size) => n * size, 1),
      data.length,
    );
    total += data.byteLength;
    if (data.buffer !== file.buffer) continue;
    assert.ok(data.byteOffset >= file.byteOffset);
    assert.ok(data.byteOffset + data.byteLength <= file.byteOffset + file.byteLength);
  }
  assert.is(total, file.length - 8 - Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true)));
  return true;
}

test('every truncation of a valid file is refused', () => {
  assert.ok(readsSafely(valid));
  for (let length = 0; length < valid.length; length++) assert.not.ok(readsSafely(valid.slice(0, length)), `${length}`);
});

test('bytes after a valid file are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (rest) => {
      assert.not.ok(readsSafely(Uint8Array.of(...valid, ...rest)));
    }),
  );
});

test('a mutated file is refused or read within its bounds, never anything else', () => {
  const edit = fc.tuple(
    fc.nat({ max: valid.length - 1 }),
    fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...utf8.encode('0129-.eE"\\,:[]{} '))),
  );
  const outcomes = { read: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat({ max: 7 }), (edits, offset) => {
      const buffer = new Uint8Array(valid.length + 8);
      const file = buffer.subarray(offset, offset + valid.length);
      file.set(valid);
      for (const [at, byte] of edits) file[at] = byte;
      outcomes[readsSafely(file) ? 'read' : 'refused']++;
    }),
    { numRuns: 3000 },
  );
  assert.ok(outcomes.read > 100 && outcomes.refused > 100, JSON.stringify(outcomes));
});

test('a header with one number replaced is refused or read within its bounds', () => {
  const header = headerText(valid);
  const data = valid.slice(8 + header.length);
  const numbers = [...header.matchAll(/\d+/g)];
  const value = fc.oneof(fc.integer({ min: -3, max: 40 }), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 1e300, 0.5)).map(String);
  fc.assert(
    fc.property(fc.nat({ max: numbers.length - 1 }), value, (which, text) => {
      const { index, 0: old } = numbers[which];
      readsSafely(fileOf(header.slice(0, index) + text + header.slice(index + old.length), data));
    }),
    { numRuns: 1000 },
  );
});

test('bytes at random are refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (file) => assert.not.ok(readsSafely(file))));
});

test.run();
