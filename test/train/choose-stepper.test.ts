import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../shaders/ops/adam.js';
import { sgd } from '../../shaders/ops/sgd.js';
import { Gpu } from '../../src/gpu/gpu.js';
import type { StepperFactory, StepperName } from '../../src/steps/stepper.js';
import { STEPPERS } from '../../src/train/choose-stepper.js';
import { collabLearner } from '../../src/train/make-learner.js';
import type { CalibrationStore, LearnerOptions } from '../../src/train/options.js';
import { smallData } from '../helpers/data.js';
import { freshDevice } from '../helpers/gpu.js';
import { rmsProp } from '../helpers/ops.js';
import { assertRefused } from '../helpers/refusal.js';
import { sameBits } from '../helpers/training.js';

const test = suite('choose stepper');
const data = smallData();
const gpu = Gpu.borrow(await freshDevice());
const make = (options: LearnerOptions = {}) => collabLearner(data, { gpu, nFactors: 4, yRange: [0, 5.5], ...options });
const MEASURED = ['lazy', 'persistent', 'dense'] as const;

/** Calibrations that can be seen, and may already say something. */
function store(answer?: string): CalibrationStore & { known: Map<string, string> } {
  const known = new Map<string, string>();
  return { known, get: async (key) => answer ?? known.get(key), set: async (key, value) => void known.set(key, value) };
}

/** Microseconds that steps take in a trial: of each submission, and of each step; the first submission takes `warmUp` more. */
interface Cost {
  submission?: number;
  step: number;
  warmUp?: number;
}

/** What 'auto' takes where time passes as `costs` say: no real clock decides. */
async function fastestOf(costs: Record<(typeof MEASURED)[number], Cost>): Promise<string> {
  const { now } = performance;
  const factories = { ...STEPPERS };
  let clock = 0;
  performance.now = () => clock;
  for (const name of MEASURED) {
    const { create } = factories[name];
    const { submission = 0, step: each, warmUp = 0 } = costs[name];
    const timed: StepperFactory['create'] = async (input) => {
      const stepper = await create(input);
      let waiting = warmUp;
      const run: typeof stepper.run = (batches, step) => {
        clock += submission + each * (batches.start.length - 1) + waiting;
        waiting = 0;
        return stepper.run(batches, step);
      };
      return { ...stepper, run };
    };
    Object.assign(STEPPERS, { [name]: { ...factories[name], create: timed } });
  }
  try {
    const learn = await make({ stepper: 'auto', calibrations: store() });
    learn.release();
    return learn.trainer.stepper.name;
  } finally {
    performance.now = now;
    Object.assign(STEPPERS, factories);
  }
}

for (const name of MEASURED) {
  test(`'auto' takes the fastest: ${name}`, async () => {
    const others = { lazy: { step: 20 }, persistent: { step: 30 }, dense: { step: 25 } };
    assert.is(await fastestOf({ ...others, [name]: { step: 10 } }), name);
    assert.is(await fastestOf({ ...others, [name]: { step: 10, warmUp: 1e6 } }), name, 'what happens only once does not count');
  });
}

test("'auto' counts by step, though a trial of dense steps is shorter", async () => {
  assert.is(await fastestOf({ lazy: { step: 10 }, persistent: { step: 12 }, dense: { step: 11 } }), 'lazy');
  assert.is(await fastestOf({ lazy: { step: 10, submission: 500 }, persistent: { step: 30 }, dense: { step: 15 } }), 'dense');
});

test("'auto' remembers what it found, and frees what it tried", async () => {
  const calibrations = store();
  const [one, again] = [await make({ stepper: 'auto', calibrations }), await make({ stepper: 'auto', calibrations })];
  assert.equal([...calibrations.known.values()], [one.trainer.stepper.name]);
  assert.is(again.trainer.stepper.name, one.trainer.stepper.name);
  assert.equal(
    [one.stepping.isFallback, one.stepping.why],
    [false, `Steps are ${one.trainer.stepper.name}, the fastest by trial on this adapter.`],
  );
  one.release();
  again.release();
  assert.is(gpu.allocated, 0);
});

test('without a place to keep them, calibrations last as long as the process', async () => {
  const first = await make({ stepper: 'auto', nFactors: 5 });
  const factories = { ...STEPPERS };
  const made: string[] = [];
  for (const name of MEASURED) {
    const { create } = factories[name];
    Object.assign(STEPPERS, { [name]: { ...factories[name], create: (input: never) => (made.push(name), create(input)) } });
  }
  try {
    const second = await make({ stepper: 'auto', nFactors: 5 });
    second.release();
  } finally {
    Object.assign(STEPPERS, factories);
  }
  assert.equal(made, [first.trainer.stepper.name], 'the fastest was made, and none was tried');
  first.release();
});

for (const name of MEASURED) {
  test(`'auto' that remembers ${name} trains as stepper '${name}', bit for bit`, async () => {
    const [auto, named] = [await make({ stepper: 'auto', calibrations: store(name) }), await make({ stepper: name })];
    assert.is(auto.trainer.stepper.name, name);
    await auto.fitOneCycle(1, 0.01);
    await named.fitOneCycle(1, 0.01);
    assert.ok(sameBits((await auto.embeddings.readState()).param, (await named.embeddings.readState()).param));
    auto.release();
    named.release();
  });
}

test('a remembered stepper that cannot do what is asked is measured again', async () => {
  const calibrations = store('unfused');
  const learn = await make({ stepper: 'auto', calibrations });
  assert.is(calibrations.known.size, 1);
  assert.is.not(learn.trainer.stepper.name, 'unfused');
  learn.release();
});

test('another adapter, other sizes and other parts are measured for themselves', async () => {
  const calibrations = store();
  const { description } = gpu.info;
  const variants: LearnerOptions[] = [{}, { nFactors: 8 }, { bias: false }, { yRange: null }, { optimizer: sgd() }];
  for (const options of variants) (await make({ stepper: 'auto', calibrations, ...options })).release();
  assert.is(calibrations.known.size, variants.length);
  assert.ok([...calibrations.known.keys()].every((key) => key.includes(description)));
  Object.assign(gpu.info, { description: 'Voodoo 2' });
  (await make({ stepper: 'auto', calibrations })).release();
  Object.assign(gpu.info, { description });
  assert.is(calibrations.known.size, variants.length + 1);
});

test('steps are lazy by default, as asked for otherwise, and a sentence says why', async () => {
  const cases: [LearnerOptions, string, string, boolean][] = [
    [{}, 'lazy', 'Steps are lazy: they touch only the rows of the batch.', false],
    [{ optimizer: sgd({ momentum: true }) }, 'lazy', 'Steps are lazy: they touch only the rows of the batch.', false],
    [{ optimizer: { ...adam(), name: 'mine' } }, 'lazy', 'Steps are lazy: they touch only the rows of the batch.', false],
    [{ stepper: 'persistent' }, 'persistent', 'Steps are persistent, as asked for.', false],
    [{ optimizer: rmsProp, stepper: 'dense' }, 'dense', 'Steps are dense, as asked for.', false],
    [
      { optimizer: rmsProp },
      'dense',
      'Steps are dense, updating every row in every step, which is slower: the optimiser rmsProp has no closed form for idle steps.',
      true,
    ],
  ];
  for (const [options, name, why, isFallback] of cases) {
    const learn = await make(options);
    const { trainer, stepping } = learn;
    assert.equal([trainer.stepper.name, stepping.why, stepping.isFallback], [name, why, isFallback]);
    learn.release();
  }
});

test('where two copies of the tables do not fit one binding, each has its own, and steps have the same bits', async () => {
  const small = Gpu.borrow(await freshDevice());
  Object.defineProperty(small, 'maxBinding', { value: 300_000 });
  for (const stepper of ['lazy', 'persistent'] as const) {
    const states = [];
    for (const device of [small, gpu]) {
      const learn = await make({ gpu: device, nFactors: 400, stepper });
      assert.is(learn.embeddings.parts[0].spare !== undefined, device === small);
      await learn.fitOneCycle(1, 0.01);
      states.push(await learn.embeddings.readState());
      learn.release();
    }
    for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(states[0][name]!, states[1][name]!), `${stepper}: ${name}`);
  }
  assert.is(small.allocated, 0);
});

test('batches are made on the host by a software adapter, on the device by hardware, with the same bits of the model', async () => {
  const hardware = Gpu.borrow(await freshDevice());
  Object.assign(hardware.info, { isSoftware: false });
  const states = [];
  for (const [device, batches, where] of [
    [gpu, undefined, gpu.info.isSoftware ? 'host' : 'device'],
    [hardware, undefined, 'device'],
    [hardware, 'host', 'host'],
  ] as const) {
    const learn = await make({ gpu: device, nFactors: 40, batches });
    assert.is(learn.trainer.stepper.batches, where);
    await learn.fitOneCycle(2, 0.01);
    states.push(await learn.embeddings.readState());
    learn.release();
  }
  for (const name of ['param', 'm', 'v'] as const) assert.ok(sameBits(states[1][name]!, states[2][name]!), name);
  const order = await make({ gpu: hardware, order: () => Uint32Array.from({ length: data.nTrain }, (_, k) => k) });
  assert.is(order.trainer.stepper.batches, 'host');
  order.release();
  await assertRefused(
    () => make({ batches: 'device', optimizer: rmsProp }),
    /^Only lazy and persistent steps can have their batches made on the device, and these are dense\.$/,
  );
  assert.is(hardware.allocated, 0);
});

test('a stepper that does not exist, or cannot have the optimiser, is refused, and nothing stays allocated', async () => {
  await assertRefused(
    () => make({ stepper: 'lasy' as StepperName }),
    /^stepper must be 'auto', 'unfused', 'dense', 'lazy' or 'persistent', not 'lasy'\.$/,
  );
  for (const stepper of ['lazy', 'persistent'] as const) {
    await assertRefused(
      () => make({ stepper, optimizer: rmsProp }),
      new RegExp(`^Steps cannot be ${stepper}: the optimiser rmsProp has no closed form for idle steps\\. Train with stepper: 'dense'\\.$`),
    );
  }
  assert.is(gpu.allocated, 0);
});

test('a stepper of the caller is used, with the copies of the tables and the steps at a time that it asks for', async () => {
  const made: number[][] = [];
  const mine: StepperFactory = {
    name: 'mine',
    nCopies: 2,
    maxSteps: 7,
    create: async (input) => {
      made.push([input.maxSteps, Math.floor(input.tables.param.size / (4 * input.tables.layout.nParams))]);
      return { ...(await STEPPERS.lazy.create(input)), name: 'mine' };
    },
  };
  const learn = await make({ stepper: mine });
  await learn.fit(1, 0.01);
  assert.equal(made, [[7, 2]]);
  assert.equal([learn.trainer.stepper.name, learn.stepping.why], ['mine', 'Steps are mine, as asked for.']);
  learn.release();
  assert.is(gpu.allocated, 0);
});

test.run();
