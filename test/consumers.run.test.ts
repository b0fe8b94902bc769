/** The program of the README in an empty folder with the packed packages, in Node and in other runtimes. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
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
    console.log(`\nnote: validation MSE ${mse} in ${name}, ${inNode} in Node`);
    assert.ok(Math.abs(mse - inNode) < 1e-6);
  });
}

/** Reads ratings, and trains where the runtime has a device of its own. */
const CORE = `import { CollabData, collabLearner, NoAdapterError, parseRatings, plantedRatings } from 'dotbias';
const { columns } = await parseRatings(new TextEncoder().encode('user,item,rating\\n1,2,3\\n1,3,4\\n2,2,5\\n'));
console.log(columns.ratings.length, 'ratings read');
try {
  const data = CollabData.fromArrays(plantedRatings({ nUsers: 100, nItems: 200, nRatings: 4000 }).columns);
  const learn = await collabLearner(data, { nFactors: 8, yRange: [0, 5.5] });
  await learn.fitOneCycle(3, 0.01);
  console.log(await learn.validate());
} catch (error) {
  if (!(error instanceof NoAdapterError)) throw error;
  console.log(String(error));
}
`;
const core = await consumerFolder('dotbias');
writeFileSync(join(core, 'core.mjs'), CORE);
for (const { name, command } of [{ name: 'Node', command: [process.execPath] }, ...runtimes()]) {
  test(`the core alone reads in ${name}, and trains where that has WebGPU`, async () => {
    const { code, output } = await run(core, [...command, 'core.mjs']);
    assert.is(code, 0, output);
    assert.match(output, /^3 ratings read\n/);
    const trained = /mse: ([\d.]+)/.exec(output);
    console.log(`\nnote: the core alone in ${name}: ${trained ? `validation ${trained[0]}` : 'no WebGPU'}`);
    if (trained) assert.ok(Number(trained[1]) < 1.4, output);
    else assert.match(output, /NoAdapterError: (No WebGPU here: in Node, import from 'dotbias-node'|The browser has WebGPU, but)/);
  });
}

/** What `dotbias info` says of the adapters here, without the line of the runtime. */
async function info(command: readonly string[]): Promise<string> {
  const { output } = await run(bare, [...command, 'node_modules/dotbias-node/dist/src/cli/main.js', 'info']);
  assert.match(output, /^dotbias \d/);
  return output.slice(output.indexOf('\n'));
}

/** Without SwiftShader. */
const bare = await consumerFolder();
rmSync(join(bare, 'node_modules/@sparticuz'), { recursive: true });
for (const { name, command } of runtimes()) {
  test(`${name} says of the adapters of this machine what Node says, or what to install where there is none`, async () => {
    const said = await info(command);
    assert.is(said, await info([process.execPath]));
    assert.match(said, /A run would use|No WebGPU adapter was found\. .*(install|correct or unset)/);
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
