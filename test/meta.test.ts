/**
 * Rules of the source itself. `node dist/test/meta.test.js --layers` prints the tree: each layer with the layers that it
 * imports.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { importsOf } from './helpers/imports.js';

/** Lowest first: a file imports from its own folder and from those before, types included. The folder is the layer. */
const layers = [
  'src/base',
  'src/gpu',
  'src/schedule',
  'shaders/ops',
  'shaders/batches',
  'shaders/train',
  'shaders/train/unfused',
  'shaders/answer',
  'shaders',
  'src/data',
  'src/read',
  'src/model',
  'src/reference',
  'src/answer',
  'src/steps',
  'src/train',
  'src/evaluate',
  'src/files',
  'src/plots',
  'src/worker',
  'src/index.ts',
  'src/moved.ts',
  'src/node/disk',
  'src/node/device',
  'src/node/ratings',
  'src/node/plots',
  'src/node/files',
  'src/node/export',
  'src/node/mpi',
  'src/node/serve',
  'src/node/track',
  'src/node.ts',
  'src/cli/process',
  'src/cli/print',
  'src/cli/options',
  'src/cli/commands',
  'src/cli',
  'bench',
  'docs',
  'test',
  'examples',
];
/** The core runs in a browser: all up to what is left of `dotbias/node`. */
const isCore = (file: string) => layerOf(file) <= layers.indexOf('src/moved.ts');
/** Tests of the whole, which no one source file has as its mirror. */
const WHOLE = ['browser', 'bundle', 'consumers', 'examples', 'meta', 'page', 'shaders/compile', 'trajectory'];
/** The kernel whose twin the product uses as well. */
const OTHER_TWINS: Record<string, string> = { 'fold-in': 'src/answer/solve-user.ts' };

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = new Map(
  ['src', 'shaders', 'docs', 'test', 'bench', 'examples']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
    .filter((file) => /\.(ts|mjs|py|sh)$/.test(file) && !file.includes('/node_modules/'))
    .sort()
    .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
);
const sources = [...files.keys()].filter((file) => /^(src|shaders)\//.test(file));
const kernels = sources.filter((file) => file.endsWith('.wgsl.ts'));
const tests = [...files.keys()].filter((file) => file.endsWith('.test.ts'));
const imports = new Map(
  [...files]
    .filter(([file]) => file.endsWith('.ts'))
    .map(([file, text]) => [file, importsOf(file, text).map((target) => target.replace(/\.js$/, '.ts'))]),
);

/** The place of a file's layer in the list, -1 if it has none. Folders below test, bench and examples belong to these. */
function layerOf(file: string): number {
  const outside = /^(test|bench|examples)(?=\/)/.exec(file)?.[0];
  return layers.indexOf(layers.includes(file) ? file : (outside ?? dirname(file)));
}

/** Asserts that `says` finds nothing wrong with any of these files. */
function refuse(of: Iterable<string>, says: (file: string, text: string) => string | false | undefined): void {
  const wrong = [...of].flatMap((file) => {
    const reason = says(file, files.get(file)!);
    return reason ? [`${file}: ${reason}`] : [];
  });
  assert.equal(wrong, []);
}

test('every file lies in a layer', () => {
  assert.ok(kernels.length > 10 && tests.length > 50 && imports.get('src/node.ts')!.includes('src/index.ts'));
  refuse(files.keys(), (file) => layerOf(file) < 0 && 'its folder is no layer');
});

test('imports run one way', () => {
  refuse(imports.keys(), (file) => {
    const upward = imports.get(file)!.filter((target) => files.has(target) && layerOf(target) > layerOf(file));
    return upward.length > 0 && `imports ${upward.join(', ')}`;
  });
});

test('no imports run in a circle', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const follow = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || done.has(file)) return;
    for (const target of imports.get(file) ?? []) follow(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) follow(file, []);
  assert.equal(circles, []);
});

/** The packages that the core imports, each in one place. */
const PACKAGES = {
  'wgsl-preprocessor/wgsl-preprocessor.ts': 'src/gpu/wgsl.ts',
  'ml-matrix': 'src/answer/pca.ts',
  hyparquet: 'src/read/parquet-file.ts',
  'hyparquet-compressors': 'src/read/parquet-file.ts',
};

test('the core imports few packages, each in one place', () => {
  const found = sources.filter(isCore).flatMap((file) =>
    imports
      .get(file)!
      .filter((target) => !files.has(target))
      .map((target) => `${target} in ${file}`),
  );
  assert.equal(new Set(found), new Set(Object.entries(PACKAGES).map(([target, file]) => `${target} in ${file}`)));
});

test('nothing prints but the command line, and that in one place', () => {
  const others = sources.filter((file) => !file.startsWith('src/cli/'));
  refuse(others, (_, text) => /^(?! *[*/]).*\b(console|process\.std(out|err))\./m.exec(text)?.[0]);
  const printers = sources.filter((file) => /\b(console\.|std(out|err)\.write)/.test(files.get(file)!));
  assert.equal(
    printers.filter((file) => file.startsWith('src/cli/')),
    ['src/cli/process/terminal.ts'],
  );
});

test('no line is longer than 140 columns, no file than 400 lines', () => {
  refuse(files.keys(), (_, text) => {
    const lines = text.split('\n');
    const wide = lines.findIndex((line) => line.length > 140);
    return wide >= 0 ? `line ${wide + 1} has ${lines[wide]!.length} columns` : lines.length > 401 && `${lines.length - 1} lines`;
  });
});

test('every test file runs all of its tests', () => {
  refuse(tests, (_, text) => !/^(?! *[*/]).*\btest\.run\(\);/m.test(text) && 'has no test.run()');
  refuse(tests, (_, text) => /^ *test\.(only|skip)\(/m.exec(text)?.[0]);
});

test('every test file mirrors a source file, or an aspect of one as in name.aspect.test.ts', () => {
  refuse(tests, (file) => {
    const path = file.slice('test/'.length, -'.test.ts'.length).replace(/\.[\w-]+$/, '');
    const mirrored = ['src/', '', 'test/'].some((top) => files.has(`${top}${path}.ts`) || files.has(`${top}${path}.wgsl.ts`));
    return !mirrored && !WHOLE.includes(path) && 'there is no such source';
  });
});

test('every link of the documents leads to a file', () => {
  const documents = readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  for (const path of [...documents, 'README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'data/README.md']) {
    const links = readFileSync(join(root, path), 'utf8').matchAll(/\]\((?!https?:)([^)#\s]+)/g);
    const dead = Array.from(links, ([, target]) => target).filter((target) => !existsSync(join(root, dirname(path), target)));
    assert.equal(dead, [], path);
  }
});

test('every kernel begins with its maths, its mapping and its races, and has a twin and a test', () => {
  refuse(kernels, (file, text) => {
    const header = /^(?:\/\/.*\n)+/.exec(text)?.[0] ?? '';
    const kernel = basename(file, '.wgsl.ts');
    const beside = [OTHER_TWINS[kernel] ?? `test/twins/${kernel}.ts`, `test/${file.replace('.wgsl', '.test')}`];
    const missing = [
      ...['maths', 'mapping', 'races'].filter((word) => !new RegExp(`^// {3}${word} `, 'm').test(header)),
      ...beside.filter((path) => !files.has(path)),
    ];
    return missing.length > 0 && `has no ${missing.join(', ')}`;
  });
});

test('every public name of both entries has a docstring', () => {
  const entries = ['src/index.ts', 'src/node.ts'].map((file) => join(root, file));
  const program = ts.createProgram(entries, {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noLib: true, // names and their comments need no types
    types: [],
  });
  const checker = program.getTypeChecker();
  const undocumented = (module: ts.Symbol): string[] =>
    checker.getExportsOfModule(module).flatMap((name) => {
      const declared = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
      if (declared.flags & ts.SymbolFlags.Module) return undocumented(declared);
      return declared.getDocumentationComment(checker).length === 0 ? [name.name] : [];
    });
  const modules = entries.map((entry) => checker.getSymbolAtLocation(program.getSourceFile(entry)!)!);
  assert.ok(checker.getExportsOfModule(modules[1]!).length > 100);
  assert.equal(modules.flatMap(undocumented), []);
});

test('every optional field takes undefined too, so that what one call returns can be given to another', () => {
  refuse(sources, (file, text) => {
    const wrong: string[] = [];
    const visit = (node: ts.Node): void => {
      if ((ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)) && node.questionToken && node.type) {
        const type = node.type.getText();
        if (type !== 'unknown' && !type.endsWith('| undefined')) wrong.push(node.name.getText());
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
    return wrong.length > 0 && `${wrong.join(', ')}: write \`name?: T | undefined\``;
  });
});

test('every example is run by a test', () => {
  const examples = [...files.keys()].filter((file) => file.startsWith('examples/'));
  const ran = tests.map((file) => files.get(file)!).join('');
  refuse(examples, (file) => !ran.includes(file.replace('.ts', '.js')) && 'no test has its path');
});

/** Every import of the product from one layer to another. */
const crossings = sources.flatMap((file) =>
  imports
    .get(file)!
    .filter((target) => files.has(target) && layerOf(target) !== layerOf(file))
    .map((target) => `${layers[layerOf(file)]} -> ${layers[layerOf(target)]}`),
);
const places = layers.filter((layer) => /^(src|shaders)/.test(layer));
if (process.argv.includes('--layers')) {
  for (const layer of places) {
    const below = places.filter((lower) => crossings.includes(`${layer} -> ${lower}`));
    console.log(`${layer.padEnd(22)} ${sources.filter((file) => layers[layerOf(file)] === layer).length} files  ${below.join(' ')}`);
  }
}
console.log(
  `note: ${places.length} layers, ${new Set(crossings).size} pairs of which one imports the other, by ${crossings.length} imports`,
);

test.run();
