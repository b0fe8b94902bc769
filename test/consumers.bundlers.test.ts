/** The core in a page: minified by the bundlers that pages are made with, as they come, and the result run on a device. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build as esbuild } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { consumerFolder, INSTALL, tool } from './helpers/consumer.js';
import { freshDevice } from './helpers/gpu.js';

const test = suite('consumers: bundlers');
const folder = await consumerFolder('dotbias');
const entry = join(folder, 'page.js');
writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
writeFileSync(
  entry,
  `import { CollabData, collabLearner, connectWorker, NoAdapterError, plantedRatings } from 'dotbias';
export async function train(gpu) {
  const data = CollabData.fromArrays(plantedRatings({ nUsers: 40, nItems: 50, nRatings: 900 }).columns, { batchSize: 30 });
  const learn = await collabLearner(data, { gpu, nFactors: 4, yRange: [0, 5.5] });
  await learn.fitOneCycle(3, 0.03);
  const { mse } = await learn.validate();
  learn.release();
  return mse;
}
export const sentence = () => String(new NoAdapterError('none here.'));
export const connect = () => connectWorker(new Worker(new URL('dotbias/worker', import.meta.url), { type: 'module' }));
`,
);

/** Each writes page.js, and what it loads, into a folder. */
const bundlers: Record<string, ((out: string) => Promise<unknown>) | undefined> = {
  esbuild: (out) =>
    esbuild({
      entryPoints: { page: entry, worker: 'dotbias/worker' }, // esbuild leaves a URL as it is: the worker is an entry of its own
      absWorkingDir: folder,
      outdir: out,
      bundle: true,
      splitting: true,
      format: 'esm',
      minify: true,
      logLevel: 'silent',
    }),
  Vite: await vite(),
  webpack: await webpack(),
};

async function vite() {
  const path = tool('vite/dist/node/index.js');
  if (!path) return undefined;
  const { build } = (await import(pathToFileURL(path).href)) as { build: (config: object) => Promise<unknown> };
  return (outDir: string) =>
    build({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      build: {
        outDir,
        rollupOptions: { input: entry, preserveEntrySignatures: 'strict', output: { entryFileNames: 'page.js' } },
      },
      worker: { format: 'es' },
    });
}

async function webpack() {
  const path = tool('webpack/lib/index.js');
  if (!path) return undefined;
  type Stats = { hasErrors(): boolean; hasWarnings(): boolean; toString(): string };
  type Webpack = (config: object, done: (error: Error | null, stats?: Stats) => void) => void;
  const { default: run } = (await import(pathToFileURL(path).href)) as { default: Webpack };
  const config = (out: string) => ({
    mode: 'production',
    context: folder,
    entry: { page: entry },
    target: ['web', 'es2022'],
    experiments: { outputModule: true },
    output: { path: out, module: true, library: { type: 'module' } },
    performance: false,
  });
  return (out: string) =>
    new Promise<void>((resolve, reject) => {
      run(config(out), (error, stats) => {
        if (error || stats!.hasErrors() || stats!.hasWarnings()) reject(error ?? new Error(String(stats)));
        else resolve();
      });
    });
}

const isPage = (file: string) => /^page\.m?js$/.test(file);
const losses = new Set<number>();
for (const [name, bundle] of Object.entries(bundlers)) {
  if (!bundle) {
    console.log(`skipped: ${name}, which \`${INSTALL}\` installs`);
    continue;
  }
  test(`${name} makes a page of the core and its worker, which trains on a device`, async () => {
    const out = join(folder, `out-${name}`);
    mkdirSync(out);
    await bundle(out);
    const scripts = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) => /\.m?js$/.test(file));
    const text = (file: string) => readFileSync(join(out, file), 'utf8');
    const sizes = scripts.map((file) => `${file} ${(gzipSync(text(file)).length / 1000).toFixed(1)}`);
    console.log(`\nnote: ${name} makes, in kB gzipped: ${sizes.join(', ')}`);
    const page = (await import(
      pathToFileURL(
        join(
          out,
          scripts.find((file) => isPage(file))!,
        ),
      ).href
    )) as {
      train(gpu: GPUDevice): Promise<number>;
      sentence(): string;
    };
    assert.is(page.sentence(), 'NoAdapterError: none here.', 'names of errors outlive minifying');
    const listens = scripts.filter((file) => !isPage(file) && /addEventListener\(.message.,/.test(text(file)));
    assert.ok(listens.length > 0, `the worker has a script: ${scripts.join()}`);
    const device = await freshDevice();
    losses.add(await page.train(device));
    device.destroy();
    assert.is(losses.size, 1, 'with the bits of the other bundlers');
  });
}

test.run();
