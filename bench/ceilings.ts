/** What the device can do at best: the cost of a dispatch and of a submission, the bandwidth of a copy and of a gather of rows. */
import { wgsl } from '../src/gpu/wgsl.js';
import { defineKernel } from '../src/gpu/kernel.js';
import type { Gpu } from '../src/gpu/gpu.js';
import type { Recorder } from '../src/gpu/recorder.js';
import { hash32 } from '../src/base/random.js';
import { PassClock, repeat, spread, type Timing } from './measure.js';
import type { Section } from './report.js';

/** Workgroups of the dispatches that are timed. */
const GROUPS = [1, 132, 2048];
/** Rows of 40 factors and a bias, as many as MovieLens-100K has. */
const ROW_VECS = 11;
const NEAR_ROWS = 2600;
const NEAR_BYTES = 2 ** 20;
/** Rows that one sum of a gather adds up. */
const DEPTH = 8;

/** Each invocation adds one to its own element: a dispatch that must wait for the one before. */
const increment = defineKernel({
  name: 'increment',
  workgroupSize: 64,
  buffers: { counters: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) { counters[threadIndex(id, groups)] += 1u; }
`,
});

/** The same with an immediate, as a step has that is told its number by the host. */
const add = defineKernel({
  name: 'add',
  workgroupSize: 64,
  immediates: { step: 'u32' },
  buffers: { counters: 'read_write array<u32>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  counters[threadIndex(id, groups)] += immediates.step;
}
`,
});

const copy = defineKernel({
  name: 'copy',
  workgroupSize: 256,
  uniforms: { n: 'u32' },
  buffers: { source: 'read array<vec4f>', destination: 'read_write array<vec4f>' },
  code: (declarations) => wgsl`${declarations}
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i < uniforms.n) { destination[i] = source[i]; }
}
`,
});

/**
 * Adds up `depth` rows at given places and writes one row of sums. One invocation per vec4 of a row, so that neighbours
 * share rows, as suits a GPU; or per whole row, as suits a software adapter.
 */
const gatherRows = (wholeRow: boolean) =>
  defineKernel({
    name: `gatherRows[${wholeRow ? 'rows' : 'columns'}]`,
    workgroupSize: 64,
    uniforms: { nThreads: 'u32', depth: 'u32' },
    buffers: { rows: 'read array<u32>', table: 'read array<vec4f>', sums: 'read_write array<vec4f>' },
    code: (declarations) => wgsl`${declarations}
const ROW_VECS = ${ROW_VECS}u;
const SHARE = ${wholeRow ? ROW_VECS : 1}u;
@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = threadIndex(id, groups);
  if (i >= uniforms.nThreads) { return; }
  let at = i * SHARE;
  let column = at % ROW_VECS;
  let first = at / ROW_VECS * uniforms.depth;
  for (var c = 0u; c < SHARE; c++) {
    var sum = vec4f();
    for (var j = first; j < first + uniforms.depth; j++) { sum += table[rows[j] * ROW_VECS + column + c]; }
    sums[at + c] = sum;
  }
}
`,
  });

export interface Ceilings {
  /** Microseconds of one of many dependent dispatches, by number of workgroups. */
  dispatchUs: Map<number, number>;
  /** GB/s read and written by a copy: within the caches (1 MiB) and beyond them. */
  copyGBs: { near: number; far: number };
  /** GB/s read by a gather of random 176-byte rows: from ML-100K's table and from one far larger. */
  gatherGBs: { near: number; far: number };
}

export interface CeilingsOptions {
  repeats: number;
  /** Microseconds of a timed pass. */
  passUs: number;
  /** Bytes of the large buffers. */
  farBytes: number;
}

export async function measureCeilings(
  gpu: Gpu,
  { repeats, passUs, farBytes }: CeilingsOptions,
): Promise<{ ceilings: Ceilings; section: Section }> {
  const clock = new PassClock(gpu);
  const rows: Section['rows'] = [];
  const row = (what: string, value: number, unit: string, timing: Timing) => void rows.push({ what, value, unit, spread: spread(timing) });

  const [incrementer, adder, copier] = await Promise.all([gpu.compile(increment), gpu.compile(add), gpu.compile(copy)]);
  const scope = gpu.scope();
  const counters = scope.allocate('counters', 4 * 64 * Math.max(...GROUPS));
  const counting = incrementer.bind(scope, { counters });
  const adding = adder.bind(scope, { counters });
  await checkIncrement();

  const dispatchUs = new Map<number, number>();
  for (const groups of GROUPS) {
    const timing = await clock.usEach(
      100,
      (recorder) => {
        for (let i = 0; i < 100; i++) recorder.dispatchGroups(counting, groups);
      },
      repeats,
      passUs,
    );
    dispatchUs.set(groups, timing.median);
    row(`dependent dispatch, ${groups} workgroups of 64`, timing.median, 'us', timing);
  }

  const encode = async (what: string, record: (recorder: Recorder, step: number) => void) => {
    const steps = 1000;
    const timing = await repeat(repeats, async () => {
      const start = performance.now();
      const recorder = gpu.record();
      for (let step = 0; step < steps; step++) record(recorder, step);
      recorder.submit();
      const us = (1000 * (performance.now() - start)) / steps;
      await gpu.idle();
      return us;
    });
    row(`host: to encode and submit one of ${steps} steps, ${what}`, timing.median, 'us', timing);
  };
  await encode('a bare dispatch', (recorder) => recorder.dispatchGroups(counting, 1));
  await encode('a dispatch with an immediate', (recorder, step) => recorder.dispatchGroups(adding, 1, { step }));
  await encode('two pipelines, with an immediate', (recorder, step) =>
    recorder.dispatchGroups(counting, 1).dispatchGroups(adding, 1, { step }),
  );

  const submits = 200;
  const submit = await repeat(repeats, async () => {
    await gpu.idle();
    const start = performance.now();
    for (let i = 0; i < submits; i++) gpu.record().dispatchGroups(counting, 1).submit();
    await gpu.idle();
    return (1000 * (performance.now() - start)) / submits;
  });
  row('submission of one dispatch, back to back', submit.median, 'us', submit);
  const roundTrip = await repeat(4 * repeats, async () => {
    const start = performance.now();
    gpu.record().dispatchGroups(counting, 1).submit();
    await gpu.read(counters, 0, 4);
    return 1000 * (performance.now() - start);
  });
  row('submission and readback of 4 bytes', roundTrip.median, 'us', roundTrip);

  const copyOf = async (bytes: number, name: string) => {
    const n = bytes / 16;
    const timing = await gpu.withScope((own) => {
      const buffers = { source: own.allocate('copy source', bytes), destination: own.allocate('copy destination', bytes) };
      const binding = copier.bind(own, buffers, { n });
      return clock.usEach(1, (recorder) => void recorder.dispatch(binding, n), repeats, passUs);
    });
    const rate = (2 * bytes) / timing.median / 1000;
    row(`copy, ${name}, read + written`, rate, 'GB/s', timing);
    return rate;
  };
  const copyGBs = { near: await copyOf(NEAR_BYTES, '1 MiB'), far: await copyOf(farBytes, `${farBytes / 2 ** 20} MiB`) };

  const gatherOf = async (nRows: number, nGathered: number) => {
    const places = new Uint32Array(nGathered);
    for (let k = 0; k < nGathered; k++) places[k] = hash32(1, k, 0, 0) % nRows;
    const nSums = Math.floor(nGathered / DEPTH);
    const timing = await gpu.withScope(async (own) => {
      const buffers = {
        rows: own.upload('places', places),
        table: own.allocate('table', 16 * ROW_VECS * nRows),
        sums: own.allocate('sums', 16 * ROW_VECS * nSums),
      };
      const timings: Timing[] = [];
      for (const wholeRow of [true, false]) {
        const nThreads = wholeRow ? nSums : nSums * ROW_VECS;
        const binding = (await gpu.compile(gatherRows(wholeRow))).bind(own, buffers, { nThreads, depth: DEPTH });
        timings.push(await clock.usEach(1, (recorder) => void recorder.dispatch(binding, nThreads), repeats, passUs));
      }
      return timings[0].median < timings[1].median ? timings[0] : timings[1];
    });
    const rate = (16 * ROW_VECS * DEPTH * nSums) / timing.median / 1000;
    row(`gather of random rows of ${16 * ROW_VECS} bytes from ${nRows.toLocaleString('en')}, read`, rate, 'GB/s', timing);
    return rate;
  };
  const farRows = Math.floor(farBytes / (16 * ROW_VECS));
  const gatherGBs = { near: await gatherOf(NEAR_ROWS, 32_768), far: await gatherOf(farRows, farRows) };

  scope.release();
  clock.release();
  const section = {
    title: 'Ceilings of the device',
    notes: [`Timed by ${clock.source}. Spread: (max - min) / median of ${repeats} repeats.`],
    rows,
  };
  return { ceilings: { dispatchUs, copyGBs, gatherGBs }, section };

  /** What is timed must have happened: dependent dispatches add up. */
  async function checkIncrement(): Promise<void> {
    const recorder = gpu.record();
    for (let i = 0; i < 10; i++) recorder.dispatchGroups(counting, 2);
    recorder.submit();
    const words = await gpu.readWords(counters, 0, 128);
    if (words.some((word) => word !== 10)) throw new Error(`Ten dependent dispatches counted to ${words.find((word) => word !== 10)}.`);
  }
}

/** Least microseconds of a dispatch: its launch, taken from the nearest measured size, and its bytes at the given rate. */
export function floorUs({ dispatchUs }: Ceilings, groups: number, bytes: number, gbs: number): number {
  const nearest = GROUPS.reduce((best, each) => (Math.abs(Math.log(each / groups)) < Math.abs(Math.log(best / groups)) ? each : best));
  return dispatchUs.get(nearest)! + bytes / gbs / 1000;
}
