/** The program of the README in an empty folder with the packed packages, in Node and in other runtimes. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { consumerFolder, INSTALL, readmeProgram, run, runtimes } from './helpers/consumer.js';

const test = suite('consumers: running');
const folder = await consumerFolder();
/** Without a network: MovieLens-100K if MOVIELENS_DIR or the cache has it, else the planted set. */
const OFFLINE = `globalThis.fetch = async () => { throw new TypeError('fetch failed'); };
await import('./program.mjs');
`;
writeFileSync(join(folder, 'program.mjs'), readmeProgram());
writeFileSync(join(folder, 'offline.mjs'), OFFLINE);

/** Runs the program, asserts that it trained a good model and loaded it again, and returns its validation MSE. */
async function train(command: readonly string[]): Promise<number> {
  const { code, output } = await run(folder, [...command, 'offline.mjs']);
  assert.is(code, 0, output);
  assert.match(output, /^(MovieLens-100K, |The planted set, synthetic ratings \()/);
  assert.match(output, /Float32Array\(2\) \[/, 'the loaded model predicts');
  assert.ok(existsSync(join(folder, 'model.safetensors')));
  const mse = Number(/mse: ([\d.]+)/.exec(output)?.[1]);
  assert.ok(mse < 0.95, output);
  return mse;
}

let inNode: number;
test('the program of the README runs in Node', async () => {
  inNode = await train([process.execPath]);
});

if (runtimes().length < 2) console.log(`skipped: Deno and Bun, which \`${INSTALL}\` installs`);
for (const { name, command } of runtimes()) {
  test(`the program of the README runs in ${name}`, async () => {
    const mse = await train(command);
    console.log(`note: validation MSE ${mse} in ${name}, ${inNode} in Node`);
    assert.ok(Math.abs(mse - inNode) < 1e-6);
  });
}

test('a bundle for a server needs webgpu left out, and nothing else', async () => {
  await build({
    entryPoints: [join(folder, 'program.mjs')],
    outfile: join(folder, 'bundle.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['webgpu'],
    logLevel: 'silent',
  });
  writeFileSync(join(folder, 'offline.mjs'), OFFLINE.replace('program', 'bundle'));
  await train([process.execPath]);
});

test.run();
