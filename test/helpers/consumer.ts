/**
 * Folders in which dotbias is installed as its users have it: packed, unpacked, and with its dependencies only. Compilers and
 * runtimes beside this repository's own are those of .ci/consumers.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const tools = join(root, '.ci/consumers/node_modules');

/** The command that installs the tools. */
export const INSTALL = 'npm --prefix .ci/consumers ci --ignore-scripts';

/** Where a tool lies; undefined where it is not installed. */
export function tool(path: string): string | undefined {
  return [join(tools, path)].find(existsSync);
}

/** The compilers to try, by name, and the packages of types that each needs. TypeScript 5.9 has none of WebGPU of its own. */
export function compilers(): { name: string; tsc: string; types: string[] }[] {
  const [old, native] = [tool('typescript-5.9/bin/tsc'), tool('typescript-7/bin/tsc')];
  return [
    { name: 'TypeScript 6', tsc: join(root, 'node_modules/typescript/bin/tsc'), types: [] },
    ...(old ? [{ name: 'TypeScript 5.9 with @webgpu/types', tsc: old, types: ['@webgpu/types'] }] : []),
    ...(native ? [{ name: 'TypeScript 7', tsc: native, types: [] }] : []),
  ];
}

/** Runtimes beside Node, by name, with the arguments that run a file. */
export function runtimes(): { name: string; command: string[] }[] {
  const deno = tool('deno/bin.cjs');
  const [bun] = existsSync(join(tools, '@oven'))
    ? readdirSync(join(tools, '@oven')).map((build) => join(tools, '@oven', build, 'bin/bun'))
    : [];
  return [
    ...(deno ? [{ name: 'Deno', command: [process.execPath, deno, 'run', '-A', '--node-modules-dir=manual'] }] : []),
    ...(bun ? [{ name: 'Bun', command: [bun] }] : []),
  ];
}

export interface Ended {
  code: number;
  output: string;
}

/** Runs a command in a folder, to its end. */
export function run(folder: string, [command, ...args]: readonly string[]): Promise<Ended> {
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(command!, args, { cwd: folder, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, output: stdout + stderr });
    });
  });
}

/** The two packages; a user installs the second, or only the first. */
export type Package = 'dotbias' | 'dotbias-node';

/** What a test needs of a package.json. */
export interface Manifest {
  version: string;
  dependencies?: Record<string, string> | undefined;
  devDependencies?: Record<string, string> | undefined;
  peerDependencies?: Record<string, string> | undefined;
}

const packed = mkdtempSync(join(tmpdir(), 'dotbias-packed-'));
process.once('exit', () => rmSync(packed, { recursive: true, force: true }));

/** Both packages, packed as for a release: where their archives lie. */
export async function archives(): Promise<Record<Package, string>> {
  if (readdirSync(packed).length === 0) {
    const { code, output } = await run(root, [process.execPath, '.ci/pack.mjs', packed]);
    if (code !== 0) throw new Error(output);
  }
  const file = (name: RegExp) =>
    join(
      packed,
      readdirSync(packed).find((each) => name.test(each))!,
    );
  return { dotbias: file(/^dotbias-\d/), 'dotbias-node': file(/^dotbias-node-\d/) };
}

/**
 * A folder in which dotbias-node is installed, or only dotbias. Dependencies are links to those of this repository, so that no
 * registry is needed: only what the packages declare can be found.
 */
export async function consumerFolder(name: Package = 'dotbias-node'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dotbias-consumer-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules'));
  for (const [each, archive] of Object.entries(await archives())) {
    if (name === 'dotbias' && each !== name) continue;
    const unpacked = await run(folder, ['tar', 'xzf', archive]);
    if (unpacked.code !== 0) throw new Error(unpacked.output);
    renameSync(join(folder, 'package'), join(folder, 'node_modules', each));
  }
  const beside = name === 'dotbias' ? [] : ['@sparticuz/chromium', '@types/node'];
  for (const dependency of [...beside, ...installedWith(name)]) link(folder, join(root, 'node_modules', dependency), dependency);
  const webgpuTypes = tool('@webgpu/types');
  if (webgpuTypes) link(folder, webgpuTypes, '@webgpu/types');
  return folder;
}

export const manifestOf = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8')) as Manifest;

/** The package.json of one of the two in the tree. */
export const manifest = (name: Package) => manifestOf(join(root, name === 'dotbias' ? '' : 'src/node', 'package.json'));

/** All packages that come with one of the two, itself left out. */
export function installedWith(name: Package): string[] {
  const found = new Set<string>();
  const add = ({ dependencies = {} }: Manifest): void => {
    for (const each of Object.keys(dependencies)) {
      if (found.has(each)) continue;
      found.add(each);
      add(each === 'dotbias' ? manifest(each) : manifestOf(join(root, 'node_modules', each, 'package.json')));
    }
  };
  add(manifest(name));
  found.delete('dotbias');
  return [...found].sort();
}

function link(folder: string, target: string, name: string): void {
  const path = join(folder, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) symlinkSync(target, path, 'junction');
}

/** The program of the README, which is TypeScript and JavaScript alike. */
export function readmeProgram(): string {
  const [, program] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  return program!;
}

/** The examples, as a user of the package writes them. */
export function writeExamples(folder: string): void {
  for (const file of readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(join(root, 'examples', file), 'utf8');
    const written = text.replace("'../src/index.js'", "'dotbias'").replace("'../src/node.js'", "'dotbias-node'");
    writeFileSync(join(folder, file.replace('.ts', '.mts')), written);
  }
}
