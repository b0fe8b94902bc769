import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mathFingerprint } from '../../src/base/math-fingerprint.js';

test('one engine has one fingerprint, and one whose cosine has another last bit has another', () => {
  const own = mathFingerprint();
  assert.match(own, /^[0-9a-f]{16}$/);
  assert.is(mathFingerprint(), own);
  const { cos } = Math;
  Math.cos = (x) => (x > 3 ? cos(x) * (1 + Number.EPSILON) : cos(x));
  try {
    assert.is.not(mathFingerprint(), own);
  } finally {
    Math.cos = cos;
  }
  assert.is(mathFingerprint(), own);
});

test.run();
