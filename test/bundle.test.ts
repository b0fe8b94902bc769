/** The core runs in a browser: its bundle holds nothing of Node, and trains on a device that it is given. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { strToU8, zipSync } from 'fflate';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as errors from '../src/base/errors.js';
import type { RatingsFile } from '../src/read/ratings-file.js';
import { freshDevice } from './helpers/gpu.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { outputFiles, metafile, warnings } = await build({
  absWorkingDir: root,
  entryPoints: ['dist/src/index.js'],
  bundle: true,
  splitting: true, // what is imported on demand is a file of its own
  outdir: 'bundle',
  write: false,
  metafile: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  preserveSymlinks: true, // names node_modules as such where that is a link
});
const { text } = outputFiles.find(({ path }) => basename(path) === 'index.js')!;
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
console.log(`note: the browser bundle is ${kilobytes(text.length)}, gzipped ${kilobytes(gzipSync(text).length)}`);
for (const { path, contents } of outputFiles.filter((file) => file.text !== text)) {
  console.log(`note: on demand ${basename(path)} of ${kilobytes(contents.length)}, gzipped ${kilobytes(gzipSync(contents).length)}`);
}

test('the bundle is made of the core and wgsl-preprocessor; other packages are loaded on demand', () => {
  assert.equal(warnings, []);
  const inputs = Object.keys(metafile.outputs['bundle/index.js'].inputs);
  assert.ok(inputs.includes('dist/src/train/learner.js'));
  assert.equal(
    inputs.filter((path) => !/^(dist\/shaders|dist\/src|node_modules\/wgsl-preprocessor)\//.test(path)),
    [],
  );
  assert.equal(
    Object.keys(metafile.inputs).filter((path) => /^dist\/src\/(node|cli)\b/.test(path)),
    [],
  );
  // One file for Parquet, and one more for its rare codecs.
  const chunksWith = (name: string) =>
    Object.values(metafile.outputs).filter((output) => Object.keys(output.inputs).some((path) => path.includes(`/${name}/`)));
  assert.equal([chunksWith('hyparquet').length, chunksWith('hyparquet-compressors').length], [1, 1]);
  assert.not(chunksWith('hyparquet').includes(chunksWith('hyparquet-compressors')[0]));
  const imported = Object.values(metafile.outputs).flatMap((output) => output.imports);
  assert.ok(imported.every(({ external = false }) => !external));
});

for (const trace of [/\bnode:/, /\bprocess\b\s*[.[]/, /\brequire\(/, /\bBuffer\b\s*[.(]/, /\b__dirname\b/]) {
  test(`the bundle does not hold ${trace.source}`, () => {
    const found = trace.exec(text);
    assert.is(found, null, found ? text.slice(Math.max(0, found.index - 60), found.index + 60) : '');
  });
}

const folder = await mkdtemp(join(tmpdir(), 'dotbias-bundle-'));
await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
for (const { path, contents } of outputFiles) await writeFile(join(folder, basename(path)), contents);
const bundle = (await import(pathToFileURL(join(folder, 'index.js')).href)) as typeof import('../src/index.js');

test('errors keep their names in the bundle, whose classes have other ones', () => {
  for (const name of Object.keys(errors) as (keyof typeof errors)[]) {
    const Class = bundle[name] as typeof bundle.GpuError;
    assert.is(new Class('what').name, name);
  }
  assert.ok(bundle.GpuError.name !== 'GpuError', 'identifiers are minified');
});

test('the bundle trains on a device of the caller', async () => {
  const { CollabData, collabLearner, plantedRatings } = bundle;
  const device = await freshDevice();
  const data = CollabData.fromArrays(plantedRatings({ nUsers: 40, nItems: 50, nRatings: 900 }).columns, { batchSize: 30 });
  const learn = await collabLearner(data, { gpu: device, nFactors: 4, yRange: [0, 5.5] });
  const before = await learn.validate();
  await learn.fitOneCycle(3, 0.03);
  assert.ok((await learn.validate()).mse < before.mse);
  assert.is((await bundle.itemMap(learn, 10)).points.length, 10);
  learn.release();
  device.destroy();
});

test('the bundle reads ratings in a worker that has nothing of Node', async () => {
  const script = join(folder, 'worker.js');
  await writeFile(
    script,
    `import { parentPort, workerData } from 'node:worker_threads';
    for (const name of ['process', 'Buffer', 'global', 'setImmediate', 'clearImmediate']) delete globalThis[name];
    const { parseRatings } = await import('./index.js');
    parentPort.postMessage(await parseRatings(workerData));`,
  );
  const read = async (bytes: Uint8Array): Promise<RatingsFile> => {
    const worker = new Worker(script, { workerData: new Blob([bytes as Uint8Array<ArrayBuffer>]) });
    const [file] = (await once(worker, 'message')) as [RatingsFile]; // or its error is thrown
    await worker.terminate();
    return file;
  };
  const archive = zipSync({ 'ml-100k/u.data': strToU8('196\t242\t3\t881\n'), 'ml-100k/u.item': strToU8('242|Kolya (1996)|x\n') });
  const { columns, titles } = await read(archive);
  assert.equal([columns.users[0], titles!.get(242)], [196, 'Kolya (1996)']);
  for (const codec of ['snappy', 'zstd']) {
    const file = new URL(`../../test/fixtures/${codec}.parquet`, import.meta.url);
    assert.equal(Array.from((await read(await readFile(file))).columns.ratings as ArrayLike<number>), [3.5, 4], codec);
  }
});

test.after(() => rm(folder, { recursive: true }));

test.run();
