/** The two packages themselves: what is in them, what comes with them, and that together they have one copy of the core. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { consumerFolder, installedWith, manifest, manifestOf, type Package, run } from './helpers/consumer.js';
import { importsOf } from './helpers/imports.js';

const test = suite('consumers: packages');
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = await consumerFolder();
const PACKAGES: Package[] = ['dotbias', 'dotbias-node'];
const installed = (name: Package, path = '') => join(folder, 'node_modules', name, path);
const MB = 1e6;

/** The files below a folder, by their paths in it. */
const filesBelow = (top: string) =>
  readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(top, path)).isFile())
    .map((path) => path.replaceAll('\\', '/'));

/** The files of a package, without what dist still has of a source that is gone; a release begins without dist. */
const shippedBy = (name: Package) =>
  filesBelow(installed(name)).filter((path) => {
    const built = /^dist\/(.*)\.(js|d\.ts)$/.exec(path);
    return !built || existsSync(join(root, `${built[1]}.ts`));
  });

/** What a program in the consumer's folder prints, standard error included. */
async function say(program: string): Promise<string> {
  const file = join(folder, 'say.mjs');
  writeFileSync(file, program);
  return (await run(folder, [process.execPath, file])).output.trim();
}

test('no file of the core is in both packages', () => {
  const [core, node] = PACKAGES.map(shippedBy);
  assert.ok(core!.includes('dist/src/train/learner.js') && node!.includes('dist/src/node/device/dawn.js'));
  assert.equal(core!.filter((path) => node!.includes(path)).sort(), ['LICENSE', 'README.md', 'package.json']);
  assert.equal(
    core!.filter((path) => /\/(node|cli)\b/.test(path)),
    [],
  );
});

for (const name of PACKAGES) {
  test(`what ${name} imports is in it, or comes with it`, () => {
    const { dependencies = {}, peerDependencies = {} } = manifest(name);
    const declared = [...Object.keys({ ...dependencies, ...peerDependencies }), ...(name === 'dotbias' ? [] : builtinModules)];
    const shipped = shippedBy(name);
    const wrong = shipped
      .filter((path) => /\.(js|d\.ts)$/.test(path))
      .flatMap((path) => {
        const missing = importsOf(path, readFileSync(installed(name, path), 'utf8')).filter((target) => {
          const [, core] = /^dotbias\/internal\/(.*)$/.exec(target) ?? [];
          if (core) return !existsSync(installed('dotbias', join('dist', core)));
          if (target.startsWith('dist/')) return !shipped.includes(target);
          return !declared.some((each) => target === each || target.startsWith(`${each}/`) || target === `node:${each}`);
        });
        return missing.map((target) => `${path} imports ${target}`);
      });
    assert.equal(wrong, []);
  });

  test(`no file of ${name} leads to a source map that is not in it`, () => {
    const wrong = shippedBy(name).filter((path) => /^\/\/# sourceMappingURL=/m.test(readFileSync(installed(name, path), 'utf8')));
    assert.equal(wrong, []);
  });

  test(`no declaration of ${name} names a type that its users cannot have`, () => {
    const wrong = shippedBy(name)
      .filter((path) => path.endsWith('.d.ts'))
      .filter((path) => /wgsl-preprocessor\/|@webgpu\/types|from 'webgpu'/.test(readFileSync(installed(name, path), 'utf8')));
    assert.equal(wrong, []);
  });
}

test('dotbias-node exports all of the core, and the classes are the same ones', async () => {
  const program = `
    import * as core from 'dotbias';
    import * as node from 'dotbias-node';
    const replaced = Object.keys(core).filter((name) => core[name] !== node[name]);
    console.log(replaced.join(), node.CollabData.fromArrays(node.plantedRatings().columns) instanceof core.CollabData);
    await core.loadModel('model.safetensors').catch((error) => console.log(error instanceof node.DotbiasError || error.message));`;
  assert.match(await say(program), /^collabLearner,loadModel,openGpu true\n/);
});

test('dotbias/node says that it is a package, to every import of old', async () => {
  const names = /export const \{([^}]*)\}/.exec(readFileSync(join(root, 'src/moved.ts'), 'utf8'))![1]!;
  for (const program of [
    `import { CollabData, ${names} } from 'dotbias/node';`,
    "await import('dotbias/node');",
    "import { createRequire } from 'node:module'; createRequire(import.meta.url)('dotbias/node');",
  ])
    assert.match(await say(program), /^Error: dotbias\/node is a package of its own: run `npm install dotbias-node`/m);
});

test('both packages have one version, and the tree installs what dotbias-node depends on', () => {
  const { version, dependencies, devDependencies } = manifest('dotbias');
  const node = manifest('dotbias-node');
  assert.is(node.version, version);
  const { dotbias, ...others } = node.dependencies!;
  assert.is(dotbias, version);
  for (const [name, wanted] of Object.entries(others)) assert.is({ ...dependencies, ...devDependencies }[name], wanted, name);
});

test('peers are ranges, so that newer versions of them install', () => {
  const { peerDependencies } = manifestOf(installed('dotbias-node', 'package.json'));
  assert.ok(Object.keys(peerDependencies!).includes('@sparticuz/chromium'));
  // All versions of DuckDB are called pre-releases, which no range but this lets in.
  for (const [name, range] of Object.entries(peerDependencies!)) assert.match(range, name.startsWith('@duckdb/') ? /^\*$/ : /^>=/, name);
});

test('who installs the core gets less than 5 MB, and the packages that are listed here', () => {
  const sizeOf = (top: string) => filesBelow(top).reduce((sum, path) => sum + statSync(join(top, path)).size, 0);
  const total = (name: Package) =>
    [installed(name), ...installedWith(name).map((each) => join(root, 'node_modules', each))].reduce((sum, top) => sum + sizeOf(top), 0);
  const [core, node] = [total('dotbias') / MB, (total('dotbias') + total('dotbias-node')) / MB];
  console.log(`\nnote: dotbias installs ${core.toFixed(1)} MB, dotbias-node ${node.toFixed(0)} MB`);
  assert.equal(installedWith('dotbias'), [
    'fzstd',
    'hyparquet',
    'hyparquet-compressors',
    'hysnappy',
    'is-any-array',
    'ml-array-max',
    'ml-array-min',
    'ml-array-rescale',
    'ml-matrix',
    'wgsl-preprocessor',
  ]);
  assert.ok(core < 5);
});

test.run();
