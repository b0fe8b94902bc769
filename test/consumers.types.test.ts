/** The program of the README, and the examples, under the compilers of those who use the package; and what checkers say of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compilers, consumerFolder, INSTALL, readmeProgram, run, tool, writeExamples } from './helpers/consumer.js';

const test = suite('consumers: types');
const root = fileURLToPath(new URL('../..', import.meta.url));
const { folder, archive } = await consumerFolder();
const installed = join(folder, 'node_modules/dotbias');

/** Beside the settings that `tsc --init` writes, which are strict but do not check the declarations of packages. */
const CHECKED = ['--noEmit', '--skipLibCheck', 'false'];
const SETTINGS: { options: string[]; types: string[] }[] = [
  { options: [], types: [] },
  { options: [...CHECKED, '--module', 'preserve', '--moduleResolution', 'bundler'], types: ['node'] },
];
/** Only where a compiler takes a second for each. */
const MORE_SETTINGS: typeof SETTINGS = [
  { options: CHECKED, types: [] },
  { options: [...CHECKED, '--module', 'node16'], types: ['node'] },
  { options: [...CHECKED, '--module', 'nodenext', '--exactOptionalPropertyTypes', 'false'], types: [] },
];

if (compilers().length < 3) console.log(`skipped: TypeScript 5.9 and 7, which \`${INSTALL}\` installs`);
for (const { name, tsc, types } of compilers()) {
  test(`the program and the examples compile with ${name}`, async () => {
    const project = join(folder, name.replaceAll(/\W/g, '-'));
    mkdirSync(project);
    writeFileSync(join(project, 'program.mts'), readmeProgram());
    writeExamples(project);
    const init = await run(project, [process.execPath, tsc, '--init']);
    assert.is(init.code, 0, init.output);
    assert.match(readFileSync(join(project, 'tsconfig.json'), 'utf8'), /"exactOptionalPropertyTypes": true/);
    for (const setting of name === 'TypeScript 7' ? [...SETTINGS, ...MORE_SETTINGS] : SETTINGS) {
      const all = [...types, ...setting.types];
      const options = [...setting.options, ...(all.length > 0 ? ['--types', all.join()] : [])];
      const { code, output } = await run(project, [process.execPath, tsc, ...options]);
      assert.is(code, 0, `${options.join(' ')}\n${output}`);
    }
    assert.ok(existsSync(join(project, 'program.mjs')));
  });
}

test('source maps lead to sources that are in the package', () => {
  const maps = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js.map'));
  let packed = 0;
  for (const map of maps) {
    const { sources } = JSON.parse(readFileSync(join(installed, map), 'utf8')) as { sources: string[] };
    for (const source of sources.map((each) => join(dirname(map), each))) {
      if (!existsSync(join(root, source))) continue; // left in dist by a source that is gone; a release begins without dist
      assert.ok(existsSync(join(installed, source)), `${map}: ${source}`);
      packed++;
    }
  }
  assert.ok(packed > 100);
});

test('no declaration of the package names a type that only a shim of the repository declares', () => {
  const declarations = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((file) => /^dist.*\.d\.ts$/.test(file));
  const wrong = declarations.filter((file) =>
    /wgsl-preprocessor\/|@webgpu\/types|from 'webgpu'/.test(readFileSync(join(installed, file), 'utf8')),
  );
  assert.equal(wrong, []);
});

test('peers are ranges, so that newer versions of them install', () => {
  const { peerDependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { peerDependencies: object };
  assert.ok(Object.keys(peerDependencies).includes('@sparticuz/chromium'));
  for (const [name, range] of Object.entries(peerDependencies)) assert.match(range as string, /^>=/, name);
});

const [publint, attw] = [tool('publint/src/cli.js'), tool('@arethetypeswrong/cli/dist/index.js')];
if (publint === undefined || attw === undefined) console.log(`skipped: publint and attw, which \`${INSTALL}\` installs`);
else {
  test('publint finds nothing wrong with the package', async () => {
    const { code, output } = await run(folder, [process.execPath, publint, archive, '--strict']);
    assert.is(code, 0, output);
    assert.match(output, /All good/);
  });

  test('attw finds the types of both entries right, for modules', async () => {
    const { code, output } = await run(folder, [
      process.execPath,
      attw,
      archive,
      '--profile',
      'esm-only',
      '--format',
      'ascii',
      '--no-emoji',
    ]);
    assert.is(code, 0, output);
  });
}

test.run();
