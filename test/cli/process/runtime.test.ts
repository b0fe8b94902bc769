import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runtimeName } from '../../../src/cli/process/runtime.js';

test('Deno and Bun are named, although they have a version of Node too', () => {
  assert.is(runtimeName(), `Node ${process.version}`);
  assert.is(runtimeName({ node: '26.3.0', deno: '2.9.6' }), 'Deno 2.9.6');
  assert.is(runtimeName({ node: '26.3.0', bun: '1.4.5' }), 'Bun 1.4.5');
});

test.run();
