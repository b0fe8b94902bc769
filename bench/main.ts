/** `npm run bench`: measures dotbias on one adapter. See docs/bench.md. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DotbiasError } from '../src/base/errors.js';
import { writeFileAtomic } from '../src/node/disk/files.js';
import { openGpu } from '../src/node/device/device.js';
import { checkSteps } from './check.js';
import { measureCeilings } from './ceilings.js';
import { benchGrid, benchTutorial } from './epoch.bench.js';
import { benchEventLoop } from './event-loop.js';
import { benchKernels } from './kernels.bench.js';
import { benchLife } from './life.js';
import { environment, machine, peakMemory, render, type Result, resultFile, type Section } from './report.js';
import { benchReading } from './reading.js';
import { benchShapes, benchTables, MOVIELENS } from './shapes.js';
import { openWorkload, split } from './workload.js';

const PARTS = ['ceilings', 'kernels', 'epoch', 'shapes', 'event-loop', 'life', 'reading'] as const;
const STEPPERS = ['lazy', 'persistent', 'dense', 'unfused'] as const;

const { values: flags } = parseArgs({
  options: {
    adapter: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(`npm run bench -- [options]
  --adapter NAME  hardware, software, lavapipe, swiftshader or a part of the adapter's name (default: the best there is)
  --quick         fewer sizes and repeats: a minute on a software adapter
  --only PART     one of ${PARTS.join(', ')}; may be given several times
  --json FILE     also write the results there`);
} else {
  await main().catch((error: unknown) => {
    console.error(error instanceof RangeError || error instanceof DotbiasError ? error.message : error);
    process.exitCode = 1;
  });
}

async function main(): Promise<void> {
  const unknown = flags.only?.find((part) => !PARTS.includes(part as (typeof PARTS)[number]));
  if (unknown !== undefined) throw new RangeError(`There is no part '${unknown}'; there are ${PARTS.join(', ')}.`);
  const wants = (part: (typeof PARTS)[number]) => flags.only === undefined || flags.only.includes(part);
  const { quick } = flags;

  const { gpu, info, why } = await openGpu({
    quiet: true,
    name: flags.adapter,
    dawnFlags: ['disable-dawn-features=timestamp_quantization'],
  });
  const start = performance.now();
  const about = environment(info, gpu.features.has('timestamp-query') ? 'GPU timestamps' : 'wall clock');
  const workload = await openWorkload();
  console.log(`dotbias bench${quick ? ', quick' : ''}: ${info.description} (${why})`);
  console.log(machine(about));
  console.log(`Data: ${workload.source}`);

  let worst = 0;
  for (const stepper of STEPPERS) worst = Math.max(worst, await checkSteps(gpu, split(workload, 64), stepper, 8));
  console.log(
    `Correctness: the losses of the first steps of every stepper are within ${worst.toExponential(1)} of the float64 reference's.`,
  );

  const sections: Section[] = [];
  const show = (section: Section) => {
    sections.push(section);
    console.log(render(section));
  };
  const soft = info.isSoftware;
  const repeats = quick ? 3 : 5;
  const passUs = (soft ? 40_000 : 20_000) / (quick ? 4 : 1);

  if (wants('ceilings') || wants('kernels')) {
    const farBytes = (soft ? 64 : 512) * 2 ** 20;
    const { ceilings, section } = await measureCeilings(gpu, { repeats, passUs, farBytes });
    show(section);
    if (wants('kernels')) {
      const nearBytes = (soft ? 8 : 32) * 2 ** 20;
      for (const batchSize of quick ? [64] : [64, 4096, 65_536]) {
        show(await benchKernels(gpu, split(workload, batchSize), STEPPERS, ceilings, { repeats, passUs, nearBytes }));
      }
    }
  }
  if (wants('epoch')) {
    show(await benchTutorial(quick ? 1 : 3, flags.adapter ?? ''));
    show(
      await benchGrid(gpu, workload, {
        batchSizes: quick ? [64, 4096] : [64, 256, 1024, 4096, 16_384, 65_536],
        nFactors: quick ? [40] : [16, 40, 64, 128],
        steppers: quick ? STEPPERS.slice(0, 2) : STEPPERS,
        repeats: quick ? 1 : 3,
        minSteps: quick ? 20 : 50,
      }),
    );
  }
  if (wants('shapes')) {
    show(await benchTables(gpu, quick ? [2600, 26_000] : [2600, 26_000, 260_000], quick ? 1 : 3));
    const shapes = quick ? MOVIELENS.slice(0, 1) : MOVIELENS;
    show(
      await benchShapes(gpu, {
        repeats: quick ? 1 : 3,
        batchSizes: quick ? [4096] : [64, 4096, 65_536],
        shapes,
        nSampled: quick ? 300_000 : soft ? 1_000_000 : 3_000_000,
      }),
    );
  }
  if (wants('event-loop')) show(await benchEventLoop(gpu, workload, info.name, quick ? 1 : 5));
  if (wants('life')) show(await benchLife(flags.adapter ?? '', info.name, quick ? [1, 3] : [1, 50, 100, 200]));
  if (wants('reading')) show(await benchReading(quick ? 500_000 : 3_000_000, quick ? 1 : 3));

  const result: Result = {
    environment: about,
    options: flags,
    sections,
    peakMemory: peakMemory(gpu),
    seconds: (performance.now() - start) / 1000,
  };
  const { processMiB, gpuMiB } = result.peakMemory;
  console.log(`\nPeak memory: process ${processMiB} MiB, device ${gpuMiB} MiB. ${result.seconds.toFixed(0)} s in all.`);
  for (const file of resultFiles()) {
    await writeFileAtomic(file, `${JSON.stringify(result, null, 1)}\n`);
    console.log(`Results: ${file}`);
  }
  gpu.destroy();

  /** Full runs are kept. */
  function resultFiles(): string[] {
    const kept = fileURLToPath(new URL(`../../bench/results/${resultFile(about)}`, import.meta.url));
    return [...(flags.json !== undefined ? [flags.json] : []), ...(quick || flags.only !== undefined ? [] : [kept])];
  }
}
