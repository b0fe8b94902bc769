/** Rules of the source itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['src', 'shaders', 'test', 'bench', 'examples'];
const files = new Map<string, string>(
  readdirSync(root)
    .filter((folder) => folders.includes(folder))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))
        .map((file): [string, string] => [`${folder}/${file}`, readFileSync(join(root, folder, file), 'utf8')]),
    ),
);
const core = [...files.keys()].filter((file) => /^(src|shaders)\//.test(file) && !/^src\/(node\b|cli\/)/.test(file));

/** What a file imports that remains when types are gone: paths from the root, or package names. */
function imports(file: string): string[] {
  const statements = files
    .get(file)!
    .matchAll(/^(?:import|export)\s+(?!type\b)([^'";]*?)\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm);
  return [...statements]
    .filter(
      ([, names]) =>
        !names?.startsWith('{') ||
        names
          .replace(/[{}\s]/g, '')
          .split(',')
          .some((name) => name !== '' && !name.startsWith('type')) ||
        !/\btype\b/.test(names),
    )
    .map(([, , from, bare, dynamic]) => resolve(file, (from ?? bare ?? dynamic)!));
}

const resolve = (file: string, target: string) => (target.startsWith('.') ? join(dirname(file), target).replace(/\.js$/, '.ts') : target);

/** Lower layers first: a file imports from its own layer and those before. */
const layers: [name: string, RegExp][] = [
  [
    'pure',
    /^src\/(errors|random|schedule|smooth|lr-finder|metrics|safetensors|planted|collab-data|id-map|idle-adam|fingerprint|version)\.ts$/,
  ],
  ['gpu', /^src\/gpu\//],
  ['shaders', /^shaders\//],
  ['model', /^src\/(model|batches)\.ts$|^src\/reference\//],
  ['paths', /^src\/paths\//],
  ['trainer', /^src\/trainer\.ts$/],
  ['learner', /^src\/(?!index\.ts|node\.ts)[\w-]+\.ts$/],
  ['index', /^src\/index\.ts$/],
  ['node', /^src\/node(\.ts$|\/)/],
  ['cli', /^src\/cli\//],
  ['outside', /^(test|bench|examples)\//],
];
const layerOf = (file: string) => layers.findIndex(([, pattern]) => pattern.test(file));

/** Files of which `says` gives a reason, with it. */
const offenders = (of: Iterable<string>, says: (file: string, text: string) => string | false | undefined) =>
  [...of].flatMap((file) => {
    const reason = says(file, files.get(file)!);
    return reason ? [`${file}: ${reason}`] : [];
  });

test('the sources are found', () => {
  assert.ok(core.includes('src/trainer.ts') && core.includes('shaders/forward.wgsl.ts') && files.has('test/meta.test.ts'));
  assert.equal(imports('src/gpu/wgsl.ts'), ['wgsl-preprocessor/wgsl-preprocessor.js']);
  assert.ok(imports('src/trainer.ts').includes('src/paths/dense.ts'));
  assert.not(imports('src/trainer.ts').includes('src/collab-data.ts'), 'types do not count');
});

test('imports run one way', () => {
  assert.equal(
    offenders(files.keys(), (file) => {
      const upward = imports(file).filter((target) => files.has(target) && layerOf(target) > layerOf(file));
      return upward.length > 0 && `${layers[layerOf(file)][0]} imports ${upward.join(', ')}`;
    }),
    [],
  );
  assert.equal(
    [...files.keys()].filter((file) => layerOf(file) < 0),
    [],
    'every file has a layer',
  );
});

test('shaders know the GPU layer and one another, not even types of what lies above', () => {
  assert.equal(
    offenders(
      core.filter((file) => /^(shaders|src\/gpu)\//.test(file)),
      (file, text) => {
        const above = [...text.matchAll(/\bfrom '(\.[^']+)'/g)]
          .map(([, target]) => resolve(file, target))
          .filter((target) => layerOf(target) > layerOf(file) || (layers[layerOf(target)]?.[0] === 'pure' && target !== 'src/errors.ts'));
        return above.length > 0 && `imports ${above.join(', ')}`;
      },
    ),
    [],
  );
});

test('the core imports no package but wgsl-preprocessor, and that in one place', () => {
  assert.equal(
    offenders(core, (file) => {
      const packages = imports(file).filter((target) => !/^(src|shaders)\//.test(target));
      return packages.length > 0 && file !== 'src/gpu/wgsl.ts' && `imports ${packages.join(', ')}`;
    }),
    [],
  );
});

test('nothing prints but the command line', () => {
  assert.equal(
    offenders(
      [...files.keys()].filter((file) => /^(src|shaders)\/(?!cli\/)/.test(file)),
      (_, text) => /^(?!\s*(\*|\/\/)).*\bconsole\s*\./m.exec(text)?.[0],
    ),
    [],
  );
});

test('every test file runs its tests, all of them', () => {
  const tests = [...files.keys()].filter((file) => file.endsWith('.test.ts'));
  assert.equal(
    offenders(tests, (_, text) => !/^(?!\s*(\*|\/\/)).*\btest\.run\(\);/m.test(text) && 'has no test.run()'),
    [],
  );
  assert.equal(
    offenders(
      tests.filter((file) => file !== 'test/meta.test.ts'),
      (_, text) => /\btest\.(only|skip)\b/.exec(text)?.[0],
    ),
    [],
  );
});

test('no file is longer than 400 lines', () => {
  assert.equal(
    offenders(files.keys(), (_, text) => {
      const n = text.split('\n').length - 1;
      return n > 400 && `${n} lines`;
    }),
    [],
  );
});

test('every kernel file begins with its maths, its mapping and its races', () => {
  const kernels = core.filter((file) => file.endsWith('.wgsl.ts'));
  assert.ok(kernels.length > 10);
  assert.equal(
    offenders(kernels, (_, text) => {
      const header = /^(?:\/\/.*\n)+/.exec(text)?.[0] ?? '';
      const missing = ['maths', 'mapping', 'races'].filter((word) => !new RegExp(`^// {3}${word} `, 'm').test(header));
      return missing.length > 0 && `no ${missing.join(', ')}`;
    }),
    [],
  );
});

test('every unfused kernel has a twin and a test under its name', () => {
  const kernels = core.filter((file) => file.endsWith('.wgsl.ts')).map((file) => file.slice('shaders/'.length, -'.wgsl.ts'.length));
  const alone = kernels.filter((kernel) => !files.has(`src/reference/${kernel}.ts`) || !files.has(`test/kernels/${kernel}.test.ts`));
  assert.equal(alone, ['lazy-step'], 'test/fusion.test.ts checks that one');
});

test('every public name has a docstring', () => {
  const undocumented: string[] = [];
  for (const [, list, from] of files.get('src/index.ts')!.matchAll(/^export (?:type )?(\{[^}]*\}|\*(?: as \w+)?) from '([^']+)'/gm)) {
    const file = resolve('src/index.ts', from);
    const text = files.get(file)!;
    const declared = [...text.matchAll(/^export (?:abstract |async )*(?:function|class|const|interface|type|enum) (\w+)/gm)].map(
      ([, name]) => name,
    );
    const names = list.startsWith('*')
      ? declared
      : list
          .replace(/[{}]/g, '')
          .split(',')
          .map(
            (name) =>
              name
                .replace(/^\s*type /, '')
                .trim()
                .split(' as ')[0],
          )
          .filter(Boolean);
    for (const name of names) {
      const documented = new RegExp(`\\*/\\nexport ((abstract |async )*(function|class|const|interface|type|enum) |\\{ )${name}\\b`).test(
        text,
      );
      if (!documented) undocumented.push(`${name} of ${file}`);
    }
  }
  assert.equal(undocumented, []);
});

test.run();
