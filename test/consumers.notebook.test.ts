/** The notebook of the examples: its format, and its cells run one after the other, without Jupyter, from the packed packages. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { consumerFolder, INSTALL, manifest, run, runtimes } from './helpers/consumer.js';

const test = suite('consumers: the notebook');
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Cell {
  cell_type: 'code' | 'markdown';
  id: string;
  source: string[];
  metadata: object;
  outputs?: unknown[];
  execution_count?: number | null;
}

const text = readFileSync(join(root, 'examples/tutorial.ipynb'), 'utf8');
const notebook = JSON.parse(text) as { cells: Cell[]; metadata: { kernelspec: object }; nbformat: number; nbformat_minor: number };
const code = notebook.cells.filter((cell) => cell.cell_type === 'code');
const FIGURES = ['lr-find', 'losses', 'schedule', 'map', 'star'];

/** What each cell ended with, as texts by their MIME types, and all that was printed. */
interface Shown {
  cells: Map<string, Record<string, string>>;
  printed: string;
}

const PRELUDE = `
globalThis.fetch = async () => { throw new TypeError('fetch failed'); }; // MovieLens-100K is not downloaded
const ended = (cell, value) => {
  const shown = value?.[Symbol.for('Jupyter.display')]?.() ?? { 'text/plain': String(value) };
  console.log('ended ' + JSON.stringify({ cell, shown }));
};
`;

/** All cells as one program, which tells what each ends with: the value of its last statement, where that is an expression. */
function program(prelude: string): string {
  const cells = code.map(({ id, source }) => {
    const cell = source.join('');
    const last = ts.createSourceFile('cell.ts', cell, ts.ScriptTarget.Latest, true).statements.at(-1)!;
    const [before, value] = ts.isExpressionStatement(last)
      ? [cell.slice(0, last.getStart()), last.expression.getText()]
      : [cell, 'undefined'];
    return `${before}\nended('${id}', ${value});`;
  });
  return [PRELUDE, prelude, ...cells].join('\n');
}

const folder = await consumerFolder();
const cache = join(folder, 'cache');
mkdirSync(cache);
/** Neither MOVIELENS_DIR nor an earlier download. */
const PLANTED = `delete process.env.MOVIELENS_DIR; process.env.DOTBIAS_CACHE_DIR = ${JSON.stringify(cache)};`;

async function runCells(command: readonly string[], written: string): Promise<Shown> {
  writeFileSync(join(folder, 'cells.mjs'), written);
  const { code: exit, output } = await run(folder, [...command, 'cells.mjs']);
  assert.is(exit, 0, output);
  const ends = [...output.matchAll(/^ended (.*)$/gm)].map(
    ([, line]) => JSON.parse(line) as { cell: string; shown: Record<string, string> },
  );
  return { cells: new Map(ends.map(({ cell, shown }) => [cell, shown])), printed: output.replace(/^ended .*\n/gm, '') };
}

/** Asserts that all cells ran and show what they should, and returns the validation MSE as it is printed. */
function checkShown({ cells, printed }: Shown): string {
  assert.equal(
    [...cells.keys()],
    code.map(({ id }) => id),
  );
  for (const [id, shown] of cells) {
    const svg = shown['image/svg+xml'] ?? '';
    assert.is(svg !== '', FIGURES.includes(id), id);
    if (svg !== '') assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^]*<\/svg>\s*$/);
    assert.not.match(JSON.stringify(shown), /\bNaN\b|\[object/, id);
  }
  for (const id of ['head', 'fit', 'results', 'popular', 'fold-in']) assert.match(cells.get(id)!['text/html']!, /^<table>/);
  return /^validation: MSE (\d\.\d{6}),/m.exec(printed)![1]!;
}

test('the notebook is of format 4.5, for the kernel of Deno, and its cells have ids of their own', () => {
  assert.is(notebook.nbformat, 4);
  assert.ok(notebook.nbformat_minor >= 5);
  assert.equal(notebook.metadata.kernelspec, { display_name: 'Deno', language: 'typescript', name: 'deno' });
  assert.is(new Set(notebook.cells.map(({ id }) => id)).size, notebook.cells.length);
  for (const cell of notebook.cells) {
    assert.match(cell.id, /^[\w-]{1,64}$/);
    assert.equal(cell.metadata, {});
    assert.ok(cell.source.length > 0 && cell.source.every((line, k) => line.endsWith('\n') === k < cell.source.length - 1), cell.id);
  }
});

test('cells are short, and no line of them is longer than 140 columns', () => {
  for (const { id, source } of code) assert.ok(source.length <= 6, id);
  for (const { id, source } of notebook.cells) assert.ok(Math.max(...source.map((line) => line.trimEnd().length)) <= 140, id);
});

test('outputs are cleared: they differ in their last digits from one adapter to another, and films are not ours to publish', () => {
  for (const { id, outputs, execution_count } of code) assert.equal([outputs, execution_count], [[], null], id);
});

test('the first cell says how to install what the others import', () => {
  const first = notebook.cells[0]!.source.join('');
  assert.match(first, 'npm install dotbias-node\n');
  assert.match(first, `npm install dotbias-node @sparticuz/chromium@${manifest('dotbias').devDependencies!['@sparticuz/chromium']}\``);
  assert.equal([...new Set([...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name))], ['npm:dotbias-node']);
});

let inNode: string;
test('every cell runs in Node, on the planted set', async () => {
  const shown = await runCells([process.execPath], program(PLANTED).replaceAll("'npm:dotbias-node'", "'dotbias-node'"));
  inNode = checkShown(shown);
  assert.match(shown.cells.get('open-ratings')!['text/plain']!, /^The planted set/);
  assert.match(shown.cells.get('losses')!['image/svg+xml']!, 'best possible');
});

const deno = runtimes().find(({ name }) => name === 'Deno');
if (deno === undefined) console.log(`skipped: the notebook in Deno, which \`${INSTALL}\` installs`);
else {
  test('every cell runs in Deno as it is written, with the validation error of Node', async () => {
    const mse = checkShown(await runCells(deno.command, program(PLANTED)));
    console.log(`\nnote: validation MSE ${mse} in Deno, ${inNode} in Node`);
    // One in the last digit printed, for engines differ in the last bits of cosines.
    assert.ok(Math.abs(Number(mse) - Number(inNode)) < 1.5e-6);
  });

  if (!process.env['MOVIELENS_DIR']) console.log('skipped: the notebook with MovieLens-100K, which MOVIELENS_DIR names');
  else {
    test('with MovieLens-100K the notebook shows films, and an error near that of the tutorial', async () => {
      const shown = await runCells(deno.command, program(''));
      const mse = Number(checkShown(shown));
      assert.ok(Math.abs(mse - 0.816) < 0.01, String(mse));
      for (const id of ['popular', 'map']) assert.match(JSON.stringify(shown.cells.get(id)), 'Star Wars (1977)');
    });
  }
}

test.run();
