/** Ways of making steps, on the same batches. */
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import { lazyStepper } from '../src/steps/lazy.js';
import type { StepperFactory, StepperName } from '../src/steps/stepper.js';
import { collabLearner } from '../src/train/make-learner.js';
import { checkSteps } from './check.js';
import { reasonOf } from './measure.js';
import { profileFit } from './profile.js';
import type { Section } from './report.js';
import { type BatchesOn, madeOn, TUTORIAL } from './workload.js';

type LazyMapping = NonNullable<Parameters<typeof lazyStepper>[2]>;

export interface Variant {
  name: string;
  stepper: StepperName | StepperFactory;
  /** The smallest subgroup that it needs. Default 0. */
  subgroup?: number | undefined;
}

const lazy = (name: string, mapping: LazyMapping): Variant => ({
  name,
  stepper: { name: 'lazy', nCopies: 2, create: (input) => lazyStepper(input, false, mapping) },
  subgroup: mapping.shuffles ? mapping.lanes : 0,
});

const VARIANTS: readonly Variant[] = [
  { name: 'lazy', stepper: 'lazy' },
  { name: 'persistent', stepper: 'persistent' },
  { name: 'dense', stepper: 'dense' },
  { name: 'unfused', stepper: 'unfused' },
  lazy('lazy, 1 lane', { lanes: 1, shuffles: false }),
  lazy('lazy, 4 lanes', { lanes: 4, shuffles: false }),
  lazy('lazy, 4 lanes, shuffles', { lanes: 4, shuffles: true }),
  lazy('lazy, 8 lanes', { lanes: 8, shuffles: false }),
  lazy('lazy, 8 lanes, shuffles', { lanes: 8, shuffles: true }),
  lazy('lazy, 16 lanes, shuffles', { lanes: 16, shuffles: true }),
];

/** Each on batches made by the host, and lazy ones also on batches made by the device. */
export async function benchVariants(gpu: Gpu, data: CollabData, limitSeconds: number): Promise<Section> {
  const rows: Section['rows'] = [];
  const measure = async (variant: Variant, batches: BatchesOn): Promise<Section['rows'][number]> => {
    const { stepper, subgroup = 0 } = variant;
    if (subgroup > gpu.smallestSubgroup) return { note: `needs subgroups of ${subgroup}; the smallest here has ${gpu.smallestSubgroup}` };
    const off = await checkSteps(gpu, data, stepper, 8, batches);
    const learn = await collabLearner(data, { ...TUTORIAL, stepper, gpu, ...madeOn(batches) });
    const { wall, cpu, host, nSteps } = await profileFit(learn, limitSeconds);
    learn.release();
    const hostUs = Object.values(host).reduce((sum, us) => sum + us, 0);
    return { 'us per step': wall, 'cpu, us': cpu, 'host, us': hostUs, 'losses off by': off, 'steps timed': nSteps };
  };
  for (const variant of VARIANTS) {
    const isLazy = typeof variant.stepper === 'object' || variant.stepper === 'lazy' || variant.stepper === 'persistent';
    for (const batches of isLazy ? (['host', 'device'] as const) : (['host'] as const)) {
      rows.push({
        steps: variant.name,
        batches,
        ...(await measure(variant, batches).catch((error: unknown) => ({ note: reasonOf(error) }))),
      });
    }
  }
  return {
    title: `Ways of making steps: ${data.name}, batch ${data.batchSize}, ${TUTORIAL.nFactors} factors`,
    notes: [
      "us per step. 'Losses off by': of the first steps, as a share of the float64 reference's. Plain lazy: as the adapter's rule says.",
    ],
    rows,
  };
}
