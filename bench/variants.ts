/** Ways of making steps, on the same batches. */
import type { CollabData } from '../src/data/collab-data.js';
import type { Gpu } from '../src/gpu/gpu.js';
import { lazyStepper } from '../src/steps/lazy.js';
import type { BatchesOn, StepperName } from '../src/steps/stepper.js';
import { collabLearner } from '../src/train/make-learner.js';
import { checkSteps, type Way } from './check.js';
import { reasonOf } from './measure.js';
import { profileFit } from './profile.js';
import type { Section } from './report.js';
import { TUTORIAL } from './workload.js';

interface Variant {
  steps: string;
  batches: BatchesOn;
  way: Way;
  /** The smallest subgroup that it needs. */
  subgroup: number;
}

/** One that can be asked for by name, laid out as the adapter's rule says. */
const named = (stepper: StepperName, batches: BatchesOn): Variant => ({
  steps: stepper,
  batches,
  way: { stepper, batches },
  subgroup: 0,
});

/** Lazy steps of a given layout. */
function mapped(lanes: number, how: '' | 'shuffles', by: '' | 'counted', batches: BatchesOn): Variant {
  const mapping = { lanes, shuffles: how === 'shuffles', counts: by === 'counted', splitsLongRows: false };
  return {
    steps: ['lazy', lanes === 1 ? '1 lane' : `${lanes} lanes`, how, by].filter((text) => text !== '').join(', '),
    batches,
    way: { stepper: { name: 'lazy', nCopies: 2, create: (input) => lazyStepper({ ...input, batches }, false, mapping) } },
    subgroup: mapping.shuffles ? lanes : 0,
  };
}

const VARIANTS: readonly Variant[] = [
  named('lazy', 'host'),
  named('lazy', 'device'),
  named('persistent', 'host'),
  named('persistent', 'device'),
  named('dense', 'host'),
  named('unfused', 'host'),
  mapped(1, '', '', 'host'),
  mapped(1, '', 'counted', 'device'),
  mapped(4, '', '', 'device'),
  mapped(4, 'shuffles', '', 'device'),
  mapped(8, '', '', 'device'),
  mapped(8, 'shuffles', '', 'host'),
  mapped(8, 'shuffles', '', 'device'),
  mapped(8, 'shuffles', 'counted', 'device'),
  mapped(16, 'shuffles', '', 'device'),
  mapped(16, 'shuffles', 'counted', 'device'),
];

export async function benchVariants(gpu: Gpu, data: CollabData, limitSeconds: number): Promise<Section> {
  const rows: Section['rows'] = [];
  const measure = async ({ way, subgroup }: Variant): Promise<Section['rows'][number]> => {
    if (subgroup > gpu.smallestSubgroup) return { note: `needs subgroups of ${subgroup}; the smallest here has ${gpu.smallestSubgroup}` };
    const off = await checkSteps(gpu, data, way, 8);
    const learn = await collabLearner(data, { ...TUTORIAL, ...way, gpu });
    const { wall, cpu, host, nSteps } = await profileFit(learn, limitSeconds);
    const { batches = 'host' } = learn.trainer.stepper;
    learn.release();
    const hostUs = Object.values(host).reduce((sum, us) => sum + us, 0);
    return { batches, 'us per step': wall, 'cpu, us': cpu, 'host, us': hostUs, 'losses off by': off, 'steps timed': nSteps };
  };
  for (const variant of VARIANTS) {
    const { steps, batches } = variant;
    rows.push({ steps, batches, ...(await measure(variant).catch((error: unknown) => ({ note: reasonOf(error) }))) });
  }
  return {
    title: `Ways of making steps: ${data.name}, batch ${data.batchSize}, ${TUTORIAL.nFactors} factors`,
    notes: [
      "us per step. 'Losses off by': of the first steps, as a share of the float64 reference's. Plain lazy: as the adapter's rule says.",
    ],
    rows,
  };
}
