/**
 * usage: node .ci/pack.mjs [FOLDER]   (`npm run pack:all` builds anew first)
 *
 * Packs the built tree as two packages into a folder (dist/packages): `dotbias`, the core, by the package.json of the root, and
 * `dotbias-node`, by that of src/node. No file of the core is in both, so that there is one copy of each of its classes: where
 * a file of dotbias-node imports one of the core by its path, it imports it from `dotbias`, or from `dotbias/internal/...`,
 * which is for dotbias-node of the same version and nobody else. What is shipped is what tsc writes, comments included: neither
 * sources nor source maps, which would double the size.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, 'dist/packages'));

/** What dotbias-node ships, by its path in the tree or in dist; the core is all else. */
const ofNode = (path) => /^src\/(node|cli)\b/.test(path);

const nameInCore = (path) => (path === 'src/index.js' ? 'dotbias' : `dotbias/internal/${path}`);

/** The text of a built file of dotbias-node, which imports the core by its name. */
function importByName(path, text) {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  for (const { fileName, pos } of importedFiles.sort((a, b) => b.pos - a.pos)) {
    const target = join(dirname(path), fileName);
    if (!fileName.startsWith('.') || ofNode(target)) continue;
    const [start, end] = [pos + 1, pos + 1 + fileName.length]; // between the quotes
    if (text.slice(start, end) !== fileName) throw new Error(`${path} imports ${fileName}, which is not found in its text.`);
    text = text.slice(0, start) + nameInCore(target) + text.slice(end);
  }
  return text;
}

function stageNode(staging) {
  cpSync(join(root, 'src/node/package.json'), join(staging, 'package.json'));
  for (const file of ['README.md', 'LICENSE']) cpSync(join(root, file), join(staging, file));
  const write = (path, text) => {
    mkdirSync(join(staging, dirname(path)), { recursive: true });
    writeFileSync(join(staging, path), text);
  };
  for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    const source = `src/${name.replaceAll('\\', '/')}`;
    if (!ofNode(source) || !source.endsWith('.ts')) continue;
    for (const ending of ['js', 'd.ts']) {
      const built = source.replace(/ts$/, ending);
      write(`dist/${built}`, importByName(built, readFileSync(join(root, 'dist', built), 'utf8')));
    }
  }
}

function pack(from) {
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  console.log(join(folder, execFileSync('npm', args, { cwd: from, encoding: 'utf8', shell: process.platform === 'win32' }).trim()));
}

if (!existsSync(join(root, 'dist/src/index.js'))) throw new Error('There is nothing to pack; run `npm run pack:all`, which builds first.');
const staging = mkdtempSync(join(tmpdir(), 'dotbias-pack-'));
try {
  mkdirSync(folder, { recursive: true });
  stageNode(staging);
  pack(root);
  pack(staging);
} finally {
  rmSync(staging, { recursive: true });
}
