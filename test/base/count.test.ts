import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { counted } from '../../src/base/count.js';

const test = suite('counts in sentences');

test('one is in the singular, and thousands are apart', () => {
  assert.equal(
    [0, 1, 2, 1682].map((count) => counted(count, 'epoch')),
    ['0 epochs', '1 epoch', '2 epochs', '1,682 epochs'],
  );
});

test.run();
