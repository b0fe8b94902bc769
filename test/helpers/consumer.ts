/**
 * A folder in which dotbias is installed as its users have it: packed, unpacked, and with its dependencies only. Compilers and
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

/**
 * An empty folder with the packed dotbias in it. Its dependencies are links to those of this repository, so that no registry
 * is needed: only what the package declares can be found.
 */
export async function consumerFolder(): Promise<{ folder: string; archive: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'dotbias-consumer-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const packed = await run(root, ['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder]);
  const [name] = readdirSync(folder);
  if (packed.code !== 0 || name === undefined) throw new Error(`npm pack failed: ${packed.output}`);
  const archive = join(folder, name);
  const unpacked = await run(folder, ['tar', 'xzf', archive]);
  if (unpacked.code !== 0) throw new Error(unpacked.output);
  mkdirSync(join(folder, 'node_modules'));
  renameSync(join(folder, 'package'), join(folder, 'node_modules/dotbias'));
  for (const dependency of ['@sparticuz/chromium', '@types/node', ...dependencies()])
    link(folder, join(root, 'node_modules', dependency), dependency);
  const webgpuTypes = tool('@webgpu/types');
  if (webgpuTypes) link(folder, webgpuTypes, '@webgpu/types');
  return { folder, archive };
}

/** All that `npm install --omit=dev` installs. */
function dependencies(): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !devOptional)
    .map(([path]) => path.slice('node_modules/'.length))
    .filter((name) => existsSync(join(root, 'node_modules', name)));
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
  for (const file of readdirSync(join(root, 'examples'))) {
    const text = readFileSync(join(root, 'examples', file), 'utf8');
    const written = text.replace("'../src/index.js'", "'dotbias'").replace("'../src/node.js'", "'dotbias/node'");
    writeFileSync(join(folder, file.replace('.ts', '.mts')), written);
  }
}
