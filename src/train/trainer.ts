import { sigmoidRange } from '../../shaders/ops/range.js';
import { RATING_SIZE } from '../../shaders/ops/structs.js';
import { validate } from '../../shaders/answer/validate.wgsl.js';
import type { CollabData, Ratings } from '../data/collab-data.js';
import { DivergedError } from '../base/errors.js';
import type { Binding } from '../gpu/pipeline.js';
import type { EmbeddingTables } from '../model/tables.js';
import { denseStepper } from '../steps/dense.js';
import { lazyStepper } from '../steps/lazy.js';
import type { StepperInput, StepperName, StepOptions, Stepper } from '../steps/stepper.js';
import type { Schedule } from '../schedule/schedule.js';

/** Errors over a set of ratings. `loss` is the mean of the training loss, which is `mse` unless another was given. */
export interface Validation {
  loss: number;
  mse: number;
  rmse: number;
  mae: number;
}

/** What a caller of `Trainer.fit` hears while it runs, and how it stops it. */
export interface FitHooks {
  /** After each submission: losses of its steps, in order. Awaited work never waits for it. */
  onSteps?(step: number, losses: Float32Array): void;
  /** After each epoch, the model complete on the device; return true to stop. */
  onEpoch?(epoch: number): Promise<boolean | void>;
  /** Stops before the next submission, leaving a consistent model. */
  signal?: AbortSignal | undefined;
  /** False: keep going, with NaN, as fastai does. Default: throw `DivergedError`. */
  stopOnNaN?: boolean;
}

/** Submissions that may wait on the device while the host prepares the next. */
const MAX_IN_FLIGHT = 2;

/**
 * Runs schedules of training steps on the device: epoch by epoch, many steps per submission, batches prepared on the
 * host while the device works on those before. Nothing waits for a readback inside an epoch: losses gather on the
 * device and are copied back behind the work that follows.
 */
export class Trainer {
  /** Steps and epochs made since the model was initialised. */
  stepCount = 0;
  epochCount = 0;

  private constructor(
    readonly model: EmbeddingTables,
    readonly data: CollabData,
    readonly options: StepOptions,
    readonly order: (epoch: number) => Uint32Array,
    readonly stepper: Stepper,
    readonly maxSteps: number,
  ) {}

  static async create(
    model: EmbeddingTables,
    data: CollabData,
    options: StepOptions,
    order: (epoch: number) => Uint32Array,
    stepper: StepperName,
  ): Promise<Trainer> {
    const stepsPerEpoch = Math.floor(data.nTrain / options.batchSize);
    const maxSteps = Math.max(1, Math.min(stepsPerEpoch, stepsPerSubmission(options.batchSize, model)));
    return new Trainer(model, data, options, order, await makeStepper(stepper, { model, train: data.train, options, maxSteps }), maxSteps);
  }

  /** Full batches in an epoch; the ratings left over are dropped, others each time. */
  get stepsPerEpoch(): number {
    return Math.floor(this.data.nTrain / this.options.batchSize);
  }

  /**
   * Trains through a schedule, from its beginning or from the epoch in which a run that was cut off goes on. The schedule
   * may end within an epoch. Returns the number of steps of the schedule that are done.
   */
  async fit(schedule: Schedule, hooks: FitHooks = {}, firstEpoch = 0): Promise<number> {
    const {
      stepper,
      stepsPerEpoch,
      maxSteps,
      model: { gpu },
    } = this;
    const totalSteps = schedule.lr.length;
    let step = firstEpoch * stepsPerEpoch;
    const start = this.stepCount - step;
    const inFlight: Promise<void>[] = [];
    stepper.begin(schedule, start);

    for (let epoch = firstEpoch; step < totalSteps && !hooks.signal?.aborted; epoch++) {
      const order = this.order(this.epochCount);
      const epochEnd = Math.min(totalSteps, (epoch + 1) * stepsPerEpoch);
      while (step < epochEnd && !hooks.signal?.aborted) {
        const nSteps = Math.min(maxSteps, epochEnd - step);
        stepper.run(order, step - epoch * stepsPerEpoch, step, nSteps);
        inFlight.push(this.#losses(schedule, step, nSteps, hooks, inFlight.at(-1)));
        step += nSteps;
        this.stepCount = start + step;
        await drain(inFlight, MAX_IN_FLIGHT - 1);
      }
      await drain(inFlight);
      if (step < epochEnd) break;
      this.epochCount++;
      if (await hooks.onEpoch?.(epoch)) break;
    }
    gpu.throwIfFailed();
    return step;
  }

  /** Copies back the losses of the submission just made; errors wait until the promise is awaited. */
  #losses(schedule: Schedule, step: number, nSteps: number, hooks: FitHooks, before: Promise<void> | undefined): Promise<void> {
    // Two readbacks may settle in either order; hooks get them in the order of the steps.
    const reading = this.stepper.readLosses(nSteps);
    const work = Promise.all([reading, before]).then(([losses]) => {
      hooks.onSteps?.(step, losses);
      const bad = hooks.stopOnNaN === false ? -1 : losses.findIndex((loss) => !Number.isFinite(loss));
      if (bad >= 0) throw new DivergedError(step + bad, schedule.lr[step + bad]);
    });
    work.catch(() => undefined);
    return work;
  }

  release(): void {
    this.stepper.release();
  }
}

/** Awaits work, the oldest first, until at most `most` is left; after an error, until all has come to its end. */
async function drain(inFlight: Promise<void>[], most = 0): Promise<void> {
  try {
    while (inFlight.length > most) await inFlight.shift();
  } catch (error) {
    await Promise.allSettled(inFlight);
    throw error;
  }
}

/** Makes the named way to take steps, its kernels compiled side by side. */
function makeStepper(name: StepperName, input: StepperInput): Promise<Stepper> {
  switch (name) {
    case 'unfused':
      return denseStepper(input, false);
    case 'dense':
      return denseStepper(input);
    case 'lazy':
      return lazyStepper(input, false);
    case 'persistent':
      return lazyStepper(input, true);
  }
}

/** Row elements that one submission updates at most: some 0.2 s of work on a software adapter, milliseconds on a GPU. */
const ELEMENTS_PER_SUBMISSION = 3e6;

/** A lazy submission moves every row once; it has at least this many touches for each row, to make that worth its while. */
const TOUCHES_PER_ROW = 4;

/** Depends on sizes only: where submissions end may decide the last bit of a result. */
function stepsPerSubmission(batchSize: number, { layout: { nRows, rowStride } }: EmbeddingTables): number {
  const touches = Math.max(ELEMENTS_PER_SUBMISSION / rowStride, TOUCHES_PER_ROW * nRows);
  return Math.max(1, Math.floor(touches / (2 * batchSize)));
}

/** Ratings as the kernels read them. */
export function packRatings({ users, items, ratings }: Ratings, nUsers: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(users.length * RATING_SIZE);
  const floats = new Float32Array(words.buffer);
  for (let k = 0; k < users.length; k++) {
    words[RATING_SIZE * k] = users[k];
    words[RATING_SIZE * k + 1] = nUsers + items[k];
    floats[RATING_SIZE * k + 2] = ratings[k];
  }
  return words;
}

/** Measures a model on a fixed set of ratings, in one dispatch and one small readback. */
export class Validator {
  private constructor(
    readonly model: EmbeddingTables,
    readonly nRatings: number,
    private readonly binding: Binding<ReturnType<typeof validate>>,
    private readonly sums: GPUBuffer,
    private readonly packed: GPUBuffer,
  ) {}

  static async create(
    model: EmbeddingTables,
    ratings: Ratings,
    { loss, yRange }: Pick<StepOptions, 'loss' | 'yRange'>,
  ): Promise<Validator> {
    const {
      gpu,
      layout: { factorVecs, rowVecs },
      shape,
    } = model;
    const kernel = validate(loss, sigmoidRange(yRange), shape.bias);
    const pipeline = await gpu.compile(kernel);
    const nRatings = ratings.users.length;
    const [lo, hi] = yRange ?? [0, 1];
    const packed = gpu.upload('validation ratings', packRatings(ratings, shape.nUsers));
    const sums = gpu.allocate('validation sums', 16 * Math.ceil(nRatings / kernel.workgroupSize));
    const binding = pipeline.bind({ ratings: packed, param: model.param, sums }, { nRatings, factorVecs, rowVecs, lo, hi });
    return new Validator(model, nRatings, binding, sums, packed);
  }

  /** Errors of the model as it is now. NaN for an empty set. */
  async run(): Promise<Validation> {
    const { gpu } = this.model;
    gpu.record('validate').dispatch(this.binding, this.nRatings).submit();
    const sums = await gpu.readFloats(this.sums);
    const total = [0, 0, 0];
    for (let i = 0; i < sums.length; i++) if (i % 4 < 3) total[i % 4] += sums[i];
    const [loss, mse, mae] = total.map((sum) => sum / this.nRatings);
    return { loss, mse, rmse: Math.sqrt(mse), mae };
  }

  release(): void {
    this.binding.release();
    this.model.gpu.release(this.sums, this.packed);
  }
}
