/** What training steps cost the host, on a device that computes nothing: figures that do not depend on a GPU, or on having one. */
import { setImmediate } from 'node:timers/promises';
import type { CollabData } from '../src/data/collab-data.js';
import { Gpu } from '../src/gpu/gpu.js';
import { requestAdapter } from '../src/node/device/dawn.js';
import type { BatchesOn } from '../src/steps/stepper.js';
import { collabLearner } from '../src/train/make-learner.js';
import { reasonOf } from './measure.js';
import { profileFit } from './profile.js';
import type { Section } from './report.js';
import { TUTORIAL, withBatchSize } from './workload.js';

export interface HostOptions {
  batchSizes: readonly number[];
  /** Of each fit. */
  limitSeconds: number;
}

export async function benchHost(data: CollabData, { batchSizes, limitSeconds }: HostOptions): Promise<Section> {
  const rows: Section['rows'] = [];
  for (const isSoftware of [false, true]) {
    const gpu = await nullGpu(isSoftware);
    for (const batchSize of batchSizes.filter((size) => size <= data.nTrain)) {
      for (const batches of ['host', 'device'] as const) {
        const row = { mapping: isSoftware ? 'software' : 'hardware', batch: batchSize, batches };
        rows.push({ ...row, ...(await measure(gpu, withBatchSize(data, batchSize), batches, limitSeconds)) });
      }
    }
    gpu.destroy();
  }
  return {
    title: `The host's work for ${data.name}, on Dawn's null backend: lazy steps, ${TUTORIAL.nFactors} factors`,
    notes: [
      "us per step of the trainer's loop, and its parts; the rest is readback of losses, waiting, and turns of the event loop.",
      'Mapping: how steps are laid out for a GPU, or for a software adapter. Batches: made on the host, or on the device.',
      'grouping: batches made on the host; table: rates and the closed form of idle steps; submit: Dawn, its checks included.',
    ],
    rows,
  };
}

async function measure(gpu: Gpu, data: CollabData, batches: BatchesOn, limitSeconds: number): Promise<Section['rows'][number]> {
  try {
    const learn = await collabLearner(data, { ...TUTORIAL, stepper: 'lazy', batches, gpu });
    const { wall, host, nSteps } = await profileFit(learn, limitSeconds);
    const { maxSteps } = learn.trainer;
    learn.release();
    const rest = wall - Object.values(host).reduce((sum, us) => sum + us, 0);
    return { 'us per step': wall, 'ns per rating': (1000 * wall) / data.batchSize, ...host, rest, 'steps timed': nSteps, S: maxSteps };
  } catch (error) {
    return { note: reasonOf(error) };
  }
}

/** A device of Dawn's null backend, which checks all that it is told and does nothing, taken for a software adapter or for a GPU. */
async function nullGpu(isSoftware: boolean): Promise<Gpu> {
  const { gpu: dawn, adapter } = await requestAdapter(['backend=null']);
  const gpu = await Gpu.open(adapter!, {
    wgslLanguageFeatures: dawn.wgslLanguageFeatures as ReadonlySet<string>,
    turn: () => setImmediate(),
  });
  Object.defineProperty(gpu, 'info', { value: { ...gpu.info, isSoftware } });
  return gpu;
}
