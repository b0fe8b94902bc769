import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fingerprint, fingerprintText } from '../../src/base/fingerprint.js';
import { randomSource } from '../helpers/random.js';

const test = suite('fingerprint');
const random = randomSource(7);
const bytes = Uint8Array.from({ length: 1000 }, () => 256 * random());

test('the same bytes give the same 16 digits, whatever array and offset holds them', () => {
  const words = new Uint32Array(bytes.slice().buffer);
  const shifted = new Uint8Array(1001);
  shifted.set(bytes, 1);
  assert.match(fingerprint(bytes), /^[0-9a-f]{16}$/);
  assert.is(fingerprint(words), fingerprint(bytes));
  assert.is(fingerprint(shifted.subarray(1)), fingerprint(bytes));
  assert.is(fingerprint(shifted.subarray(1, 999)), fingerprint(bytes.subarray(0, 998)));
});

test('every flipped bit, lost or added byte, swap and border between arrays changes it', () => {
  const seen = new Set([fingerprint(bytes)]);
  let n = 1;
  const differs = (...arrays: Uint8Array[]) => {
    n++;
    seen.add(fingerprint(...arrays));
  };
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    differs(flipped);
  }
  for (let end = 0; end < bytes.length; end++) differs(bytes.subarray(0, end));
  for (const zeros of [1, 2, 3, 4, 5]) differs(Uint8Array.of(...bytes, ...new Uint8Array(zeros)));
  for (let cut = 0; cut <= bytes.length; cut += 100) differs(bytes.subarray(0, cut), bytes.subarray(cut));
  differs(bytes.slice().reverse());
  assert.is(seen.size, n);
});

test('small numbers are spread over both halves', () => {
  const prints = Array.from({ length: 20000 }, (_, k) => fingerprint(Uint32Array.of(k)));
  for (const half of [0, 8]) assert.ok(new Set(prints.map((print) => print.slice(half, half + 8))).size > 19990);
});

test('texts are taken as UTF-8', () => {
  assert.is(fingerprintText('häßlich'), fingerprint(new TextEncoder().encode('häßlich')));
  assert.is.not(fingerprintText('a'), fingerprintText('b'));
});

test.run();
