import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { domainOf, short } from '../../src/plots/domain.js';

test('a domain holds all finite values with a twentieth of room', () => {
  assert.equal(domainOf([[1, NaN, 21], [5]]), [0, 22]);
  assert.equal(domainOf([[-Infinity, 2, 4]]), [1.9, 4.1]);
});

test('a domain is never empty', () => {
  assert.equal(domainOf([]), [0, 1]);
  assert.equal(domainOf([[NaN]]), [0, 1]);
  assert.equal(domainOf([[20]]), [19, 21]);
  assert.equal(domainOf([[0, 0]], true), [0, 1]);
});

test('lengths begin at zero, on either side', () => {
  assert.equal(domainOf([[5, 20]], true), [0, 21]);
  assert.equal(domainOf([[-20]], true), [-21, 0]);
  assert.equal(domainOf([[-10, 10]], true), [-11, 11]);
});

test('short numbers have two digits that count', () => {
  assert.equal([0.0158, 1.23e-7, 12, 0.1, -0.0456].map(short), ['0.016', '1.2e-7', '12', '0.1', '-0.046']);
});

test.run();
