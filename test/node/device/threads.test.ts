import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CollabData } from '../../../src/data/collab-data.js';
import { plantedRatings } from '../../../src/data/planted.js';
import { RowLayout } from '../../../src/model/layout.js';
import { openAdapter } from '../../../src/node/device/adapter.js';
import { withEnvironment } from '../../../src/node/device/dawn.js';
import { openGpu } from '../../../src/node/device/device.js';
import { describeRule, threadsFor, threadsInUse, threadsToAnswer } from '../../../src/node/device/threads.js';
import { orNull, testAdapterName, testGpu } from '../../helpers/device.js';
import { assertRefused } from '../../helpers/refusal.js';
import { run } from '../../helpers/short-run.js';

test('from 3,000 vec4s on there are two threads for each core to train, and one to answer', () => {
  const sizes = { batchSize: fc.integer({ min: 1, max: 1e6 }), nFactors: fc.integer({ min: 1, max: 500 }), bias: fc.boolean() };
  fc.assert(
    fc.property(fc.record(sizes), fc.integer({ min: 2, max: 16 }), ({ batchSize, nFactors, bias }, cores) => {
      const { rowVecs } = new RowLayout({ nUsers: 2, nItems: 3, nFactors, hasBias: bias });
      const isLarge = batchSize * rowVecs >= 3000;
      assert.is(threadsFor({ batchSize, nFactors, bias }, cores), isLarge ? 2 * cores : 0);
      assert.is(threadsToAnswer(batchSize, { nFactors, hasBias: bias }, cores), isLarge ? cores : 0);
    }),
  );
});

test('the usual batch of the tutorial has no threads, its large ones do, and a bias counts by default', () => {
  const at = (batchSize: number, nFactors = 40) => threadsFor({ batchSize, nFactors }, 2);
  assert.equal([at(64), at(272), at(273), at(4096)], [0, 0, 4, 4]);
  assert.equal([at(1499, 4), at(1500, 4), threadsFor({ batchSize: 1500, nFactors: 4, bias: false }, 2)], [0, 4, 0]);
  assert.match(describeRule(2), /or on 4 threads for large batches, of 273 ratings or more with 40 factors$/);
});

test('one core has no threads, and there are no more than Mesa takes', () => {
  const large = { batchSize: 65_536, nFactors: 40 };
  assert.equal([threadsFor(large, 1), threadsFor(large, 17)], [0, 32]);
  assert.equal(
    [1, 192].map((cores) => threadsToAnswer(65_536, { nFactors: 40, hasBias: true }, cores)),
    [0, 32],
  );
  assert.is(describeRule(1), 'on 1 thread');
});

test('the cores are those that this process may use', () => {
  const cores = availableParallelism();
  const large = { batchSize: 65_536, nFactors: 40 };
  assert.is(threadsFor(large), threadsFor(large, cores));
  assert.is(describeRule(), describeRule(cores));
  assert.is(threadsToAnswer(1_000, { nFactors: 40, hasBias: true }), cores === 1 ? 0 : Math.min(cores, 32));
});

test('sizes that are none are refused', async () => {
  await assertRefused(() => threadsFor({ batchSize: NaN, nFactors: 40 }), /^batchSize must be a whole number.*NaN\.$/);
  await assertRefused(() => threadsFor({ batchSize: 64, nFactors: 0 }), /^nFactors must be a whole number.*0\.$/);
  await assertRefused(() => threadsFor({ batchSize: 64, factors: 40 } as never), /^threadsFor has no option 'factors'/, TypeError);
});

test("the user's LP_NUM_THREADS wins, unless it is empty; what Mesa makes of another text is not known", () => {
  const inUse = (variable: string, asked?: number) => withEnvironment({ LP_NUM_THREADS: variable }, () => threadsInUse(asked));
  assert.equal([inUse('3', 2), inUse('0', 2), inUse('99', 2), inUse('3')], [3, 0, 32, 3]);
  assert.equal([inUse('', 2), inUse(''), inUse('many', 2)], [2, undefined, undefined]);
});

const opened = await orNull(testGpu());
const isLavapipe = opened?.info.name === 'llvmpipe';
if (!isLavapipe) console.log('skipped: threads of lavapipe, on another adapter');

const url = (file: string) => JSON.stringify(new URL(`../../../src/${file}`, import.meta.url).href);
const library = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { CollabData } from ${url('data/collab-data.js')};
  import { plantedRatings } from ${url('data/planted.js')};
  import { collabLearner, openGpu } from ${url('node.js')};
  const name = process.env.DOTBIAS_TEST_ADAPTER || undefined;
  const { columns } = plantedRatings({ nUsers: 60, nItems: 80, nRatings: 2000, seed: 1 });
  const learner = (batchSize, options) => collabLearner(CollabData.fromArrays(columns, { batchSize }), { nFactors: 40, ...options });
  /** How many threads of lavapipe this process has. */
  const threads = () =>
    readdirSync('/proc/self/task').filter((id) => /^llvmpipe-/.test(readFileSync(\`/proc/self/task/\${id}/comm\`, 'utf8'))).length;`;

/** What a script prints, as JSON, in a process of its own. */
function printed(script: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const args = ['--input-type=module', '-e', `${library}\n${script}`];
    execFile(process.execPath, args, { env: { ...process.env, LP_NUM_THREADS: '', ...env } }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
  });
}

const both = `
  const seen = [];
  for (const softwareThreads of [undefined, 2, 0]) {
    const { gpu, info } = await openGpu({ name, softwareThreads });
    const learn = await learner(512, { gpu });
    await learn.fitOneCycle(1, 0.01);
    seen.push([info.softwareThreads, threads()]);
  }
  console.log(JSON.stringify([seen, process.env.LP_NUM_THREADS ?? null]));`;

if (isLavapipe && process.platform === 'linux') {
  test('lavapipe computes without threads and with them in one process, and the environment stays as it was', async () => {
    assert.equal(await printed(both), [
      [
        [0, 0],
        [2, 2],
        [0, 2], // the threads of the second device live until the process ends
      ],
      '',
    ]);
  });

  test("the user's LP_NUM_THREADS is obeyed by all devices", async () => {
    const three = [3, 3];
    assert.equal(await printed(both, { LP_NUM_THREADS: '3' }), [[three, three, three], '3']);
  });

  const isBest = (await openAdapter()).info.name === 'llvmpipe';
  if (!isBest) console.log("skipped: threads of a learner's own device; lavapipe is not the best adapter here");
  else {
    test("a learner's own device has threads for large batches only, and a device that is given stays as it is", async () => {
      const script = `
        const { gpu } = await openGpu();
        const seen = [];
        for (const [batchSize, options] of [[1024, { gpu }], [64, {}], [1024, {}]]) {
          const learn = await learner(batchSize, options);
          await learn.fitOneCycle(1, 0.01);
          seen.push(threads());
          learn.release();
        }
        console.log(JSON.stringify(seen));`;
      assert.equal(await printed(script), [0, 0, threadsFor({ batchSize: 1024, nFactors: 40 })]);
    });
  }
}

if (isLavapipe) {
  test('threads change no bit of a result', async () => {
    const { columns } = plantedRatings({ nUsers: 300, nItems: 400, nRatings: 12_000, seed: 1 });
    const data = CollabData.fromArrays(columns, { batchSize: 2048, seed: 5 });
    const outcomes: number[][] = [];
    for (const softwareThreads of [0, 2, 2 * availableParallelism()]) {
      const { gpu, info } = await openGpu({ ...testAdapterName, softwareThreads });
      if (!process.env['LP_NUM_THREADS']) assert.is(info.softwareThreads, Math.min(softwareThreads, 32));
      outcomes.push(await run({ gpu, nFactors: 40 }, (learn) => learn.fitOneCycle(2, 0.01), data));
      gpu.destroy();
    }
    assert.equal(outcomes[1], outcomes[0]);
    assert.equal(outcomes[2], outcomes[0]);
  });
}

test.run();
