/** The program of the README, and the examples, under the compilers of those who use the package; and what checkers say of it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { archives, compilers, consumerFolder, INSTALL, readmeProgram, run, tool, writeExamples } from './helpers/consumer.js';

const test = suite('consumers: types');
const folder = await consumerFolder();

/** A module of a library, whose declarations must say what it exports. */
const LIBRARY = `import { CollabData, collabLearner, openGpu, plantedRatings } from 'dotbias-node';
export const data = CollabData.fromArrays(plantedRatings().columns);
export const learn = await collabLearner(data);
export const { valley, losses } = await learn.lrFind();
export const list = () => learn.recommend(1, 3);
export const opened = await openGpu();
export class Service { stepping = learn.stepping; history = learn.history; }
`;
const PAGE = `import { CollabData, collabLearner, connectWorker, wgsl, type Recommendation } from 'dotbias';
import 'dotbias/worker';
const learn = await collabLearner(CollabData.fromRows([{ user: 1, item: 2, rating: 3 }]));
export const best: Recommendation[] = await learn.recommend(1);
export const text: string = wgsl\`\`;
export const engine = connectWorker(new Worker('worker.js'));
`;
const core = await consumerFolder('dotbias');

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
    writeFileSync(join(project, 'library.mts'), LIBRARY);
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
    const declared = readFileSync(join(project, 'library.d.mts'), 'utf8');
    assert.match(declared, /import\("dotbias-node"\)\.CollabLearner/);
    assert.not.match(declared, /\bany\b|internal|dist/, 'what a library exports is named by what dotbias-node exports');
  });

  test(`a page that has only the core compiles with ${name}, on ES2022 and without types of Node`, async () => {
    const file = join(core, `${name.replaceAll(/\W/g, '-')}.mts`);
    writeFileSync(file, PAGE);
    const options = ['--strict', '--target', 'es2022', '--lib', 'es2022,dom', ...CHECKED, '--module', 'nodenext'];
    const { code, output } = await run(core, [process.execPath, tsc, ...options, ...types.flatMap((each) => ['--types', each]), file]);
    assert.is(code, 0, output);
  });
}

const [publint, attw] = [tool('publint/src/cli.js'), tool('@arethetypeswrong/cli/dist/index.js')];
if (publint === undefined || attw === undefined) console.log(`skipped: publint and attw, which \`${INSTALL}\` installs`);
else {
  for (const [name, archive] of Object.entries(await archives())) {
    test(`publint finds nothing wrong with ${name}`, async () => {
      const { code, output } = await run(folder, [process.execPath, publint, archive, '--strict']);
      assert.is(code, 0, output);
      assert.match(output, /All good/);
    });

    test(`attw finds the types of all entries of ${name} right, for modules`, async () => {
      const options = ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji'];
      const { code, output } = await run(folder, [process.execPath, attw, archive, ...options]);
      assert.is(code, 0, output);
    });
  }
}

test.run();
