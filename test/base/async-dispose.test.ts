import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asyncDispose } from '../../src/base/async-dispose.js';

test('the symbol is that of the engine, where it has one', () => {
  assert.is(asyncDispose, Symbol.asyncDispose);
});

test('where an engine lacks the symbol, `await using` of a bundle finds the method', async () => {
  const source = `
    import { asyncDispose } from ${JSON.stringify(fileURLToPath(new URL('../../src/base/async-dispose.js', import.meta.url)))};
    export const told = [];
    {
      await using owner = { async [asyncDispose]() { told.push('disposed'); } };
      told.push(typeof owner);
    }`;
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: '.' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    banner: { js: 'const Symbol = { for: (name) => globalThis.Symbol.for(name) };' },
  });
  const { told } = (await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`)) as { told: string[] };
  assert.equal(told, ['object', 'disposed']);
});

test.run();
