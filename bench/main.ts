/** `npm run bench`: measures dotbias on one adapter. See docs/bench.md. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DotbiasError } from '../src/base/errors.js';
import { writeFileAtomic } from '../src/node/disk/files.js';
import { openGpu } from '../src/node/device/device.js';
import { threadsFor } from '../src/node/device/threads.js';
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import { checkSteps } from './check.js';
import { measureCeilings } from './ceilings.js';
import { benchEventLoop } from './event-loop.js';
import { benchBatch } from './batch.js';
import { benchHost } from './host.js';
import { benchKernels } from './kernels.js';
import { benchLife } from './life.js';
import { environment, machine, peakMemory, render, type Result, resultFile, type Section } from './report.js';
import { benchReading } from './reading.js';
import { benchStrata } from './strata/strata.js';
import { benchTutorial } from './tutorial.js';
import { benchVariants } from './variants.js';
import { openSet, openWorkload, SET_NAMES, split } from './workload.js';

const PARTS = ['ceilings', 'kernels', 'tutorial', 'variants', 'batch', 'host', 'event-loop', 'life', 'reading', 'strata'] as const;
const STEPPERS = ['lazy', 'persistent', 'dense', 'unfused'] as const;

const { values: flags } = parseArgs({
  options: {
    adapter: { type: 'string' },
    quick: { type: 'boolean', default: false },
    set: { type: 'string', multiple: true },
    batch: { type: 'string', multiple: true },
    factors: { type: 'string', multiple: true },
    json: { type: 'string' },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(`npm run bench -- [options]
  --adapter NAME  hardware, software, lavapipe, swiftshader or a part of the adapter's name (default: the best there is)
  --quick         fewer sizes and repeats: one to two minutes on a software adapter
  --only PART     one of ${PARTS.join(', ')}; may be given several times
  --set NAME      for batch and host: ${SET_NAMES.join(', ')}; may be given several times, as the next two
  --batch N       for batch and host: ratings of a step
  --factors N     for batch: length of a vector
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

  const which = { quiet: true, name: flags.adapter, dawnFlags: ['disable-dawn-features=timestamp_quantization'] };
  const { gpu, info, why } = await openGpu(which);
  const start = performance.now();
  const about = environment(info, gpu.features.has('timestamp-query') ? 'GPU timestamps' : 'wall clock');
  const workload = await openWorkload();
  console.log(`dotbias bench${quick ? ', quick' : ''}: ${info.description} (${why})`);
  console.log(machine(about));
  console.log(`Data: ${workload.source}`);

  let worst = 0;
  for (const stepper of STEPPERS) worst = Math.max(worst, await checkSteps(gpu, split(workload, 64), { stepper }, 8));
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
  const limitSeconds = quick ? 0.3 : 3;
  const batchSizes = numbers(flags.batch) ?? [64, 4096, 65_536];
  const gpus = new Map([[0, Promise.resolve(gpu)]]);
  /** The device with lavapipe's threads for such batches, opened once. */
  const open = (batch: { batchSize: number; nFactors: number }): Promise<Gpu> => {
    const softwareThreads = threadsFor(batch);
    if (!gpus.has(softwareThreads))
      gpus.set(
        softwareThreads,
        openGpu({ ...which, softwareThreads }).then((opened) => opened.gpu),
      );
    return gpus.get(softwareThreads)!;
  };
  const mostRatings = quick ? 300_000 : soft ? 2_000_000 : 10_000_000;
  /** Of the chosen sets, one after the other. */
  const eachSet = async (names: readonly string[], bench: (data: CollabData) => Promise<void>) => {
    for (const name of flags.set ?? names) await bench(split(await openSet(name, mostRatings), 64));
  };

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
  if (wants('tutorial')) show(await benchTutorial(quick ? 1 : 3, flags.adapter ?? ''));
  if (wants('variants')) show(await benchVariants(gpu, split(workload, 64), limitSeconds));
  if (wants('batch')) {
    const lengths = numbers(flags.factors) ?? (quick ? [40] : [40, 128]);
    await eachSet(quick ? ['ml-100k'] : SET_NAMES, async (data) => {
      for (const nFactors of lengths) show(await benchBatch(data, { open, batchSizes, nFactors, limitSeconds, passUs }));
    });
  }
  if (wants('host'))
    await eachSet(quick ? ['ml-100k'] : ['ml-100k', 'ml-10m'], async (data) => show(await benchHost(data, { batchSizes, limitSeconds })));
  if (wants('event-loop')) show(await benchEventLoop(gpu, workload, info.name, quick ? 1 : 5));
  if (wants('life')) show(await benchLife(flags.adapter ?? '', info.name, quick ? [1, 3] : [1, 50, 100, 200]));
  if (wants('reading')) show(await benchReading(quick ? 500_000 : 3_000_000, quick ? 1 : 3));
  if (wants('strata')) {
    const sizes = [
      ['ml-100k', 64],
      ['ml-10m', 8192],
    ] as const;
    show(await benchStrata(flags.adapter ?? '', info.name, quick ? sizes.slice(0, 1) : sizes));
  }

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
  for (const each of gpus.values()) (await each).destroy();

  /** Full runs are kept. */
  function resultFiles(): string[] {
    const kept = fileURLToPath(new URL(`../../bench/results/${resultFile(about)}`, import.meta.url));
    return [...(flags.json !== undefined ? [flags.json] : []), ...(quick || flags.only !== undefined ? [] : [kept])];
  }
}

function numbers(texts: readonly string[] | undefined): number[] | undefined {
  return texts?.map((text) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < 1)
      throw new RangeError(`--batch and --factors take whole numbers, at least 1, not '${text}'.`);
    return number;
  });
}
