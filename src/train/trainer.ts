import { DivergedError } from '../base/errors.js';
import type { Ring } from '../base/ring.js';
import type { CollabData } from '../data/collab-data.js';
import { ratingsPerRow } from '../data/ratings-per-row.js';
import type { Strata } from '../data/strata.js';
import type { ModelTables } from '../model/tables.js';
import type { Schedule } from '../schedule/schedule.js';
import { meanLosses } from '../steps/batch-losses.js';
import type { Batches, BatchesOn, StepOptions, Stepper, StepperFactory } from '../steps/stepper.js';
import { BatchesAhead } from './batches-ahead.js';
import { type Epochs, plainEpochs } from './epochs.js';
import { InFlight, type LossSums } from './in-flight.js';
import type { EpochOrder } from './order.js';
import { mostSteps, windowSize } from './window-size.js';

/** What the caller of `Trainer.fit` is told while it runs, and how it stops it. */
export interface FitHooks {
  /** Losses of the steps of each submission, in order; after the next has been made, so that the device does not wait for it. */
  onSteps?(step: number, losses: Float32Array): void;
  /** After each epoch, the model complete on the device; return true to stop. */
  onEpoch?(epoch: number): Promise<boolean | void>;
  /** Stops before the next submission, leaving a consistent model. */
  signal?: AbortSignal | undefined;
  /** False: keep going, with NaN, as fastai does. Default: throw `DivergedError`. */
  stopOnNaN?: boolean | undefined;
}

/** A submission that takes longer is awaited before the next is made, since a fit that is stopped ends with what was submitted. */
const LONG_MS = 100;

/**
 * Runs schedules of training steps on the device: epoch by epoch, many steps per submission, batches prepared on the
 * host while the device works on those before. Losses gather on the device and are copied back behind the work that
 * follows; at most two submissions wait for that. They are told when the next submission has been made, so that a hook that
 * stops the fit stops it at the same step every time.
 */
export class Trainer {
  /** Steps and epochs made since the model was initialised. */
  stepCount = 0;
  epochCount = 0;

  private constructor(
    readonly tables: ModelTables,
    readonly data: CollabData,
    readonly options: StepOptions,
    readonly epochs: Epochs,
    /** One for each part of the model. */
    readonly steppers: readonly Stepper[],
    readonly maxSteps: number,
    /** Of the processes that train the model together, if there are several. */
    readonly ring: Ring | undefined,
  ) {}

  /**
   * @param order that of the epochs: any order of all ratings, or strata
   * @param ring of the processes that train the model together, each the parts that its tables have
   * @throws RangeError for more steps per submission than fit; what the stepper throws as it is made. Nothing is left
   *   allocated then
   */
  static async create(
    tables: ModelTables,
    data: CollabData,
    options: StepOptions,
    order: EpochOrder | Strata,
    factory: StepperFactory,
    batches: BatchesOn = 'host',
    ring?: Ring,
  ): Promise<Trainer> {
    const { gpu, layout, shape } = tables;
    const { batchSize } = options;
    const { train, nTrain, share } = data;
    const perRow = () => share?.whole.perRow ?? ratingsPerRow(train, shape.nUsers, layout.nRows);
    const sizes = { nTrain, perRow, batchSize, layout, gpu, batches, isLazy: factory.nCopies === 2 };
    const asked = checkedSteps(options.stepsPerSubmission, Math.min(mostSteps(sizes), factory.maxSteps ?? Infinity));
    const usual = Math.min(windowSize(sizes), factory.maxSteps ?? Infinity);
    // Read on demand: most trainings have no strata, and a page is smaller by it.
    const { epochs, inputs } =
      'rounds' in order
        ? (await import('./strata-epochs.js')).divided(tables, data.train, order, ring)
        : { epochs: plainEpochs(order, data.stepsPerEpoch, batchSize), inputs: [{ tables: tables.parts[0], train: data.train }] };
    const longest = Math.max(...epochs.steps);
    const maxSteps = Math.max(1, Math.min(longest, asked ?? evenWindows(longest, usual)));
    const steppers: Stepper[] = [];
    try {
      for (const input of inputs) {
        steppers.push(await factory.create({ ...input, options, maxSteps, batches }));
      }
    } catch (error) {
      for (const stepper of steppers) stepper.release();
      throw error;
    }
    return new Trainer(tables, data, options, epochs, steppers, maxSteps, ring);
  }

  /** That of the first part; all parts have the same. */
  get stepper(): Stepper {
    return this.steppers[0];
  }

  get stepsPerEpoch(): number {
    return this.epochs.steps.reduce((sum, steps) => sum + steps, 0);
  }

  /** Training rows of an epoch, in the order in which steps take them. */
  get order(): EpochOrder {
    return this.epochs.order;
  }

  /**
   * Trains through a schedule, from its beginning or from the epoch in which a run that was cut off goes on. The schedule
   * may end within an epoch.
   *
   * @returns the number of steps of the schedule that are done
   * @throws DivergedError unless `stopOnNaN` is false; GpuError; DeviceLostError; what a hook throws
   */
  async fit(schedule: Schedule, hooks: FitHooks = {}, firstEpoch = 0): Promise<number> {
    const { tables, steppers, stepsPerEpoch, maxSteps } = this;
    const totalSteps = schedule.lr.length;
    let step = firstEpoch * stepsPerEpoch;
    const ahead = new BatchesAhead(this.epochs, { maxSteps, firstStep: step, totalSteps, firstEpoch: this.epochCount });
    const start = this.stepCount - step;
    const { ring } = this;
    const round = ring && ring.size > 1 ? new (await import('./round-losses.js')).RoundLosses(tables, ring) : undefined;
    // Ranks stop together, at the end of a round; one process stops before any submission.
    let isStopped = false;
    const stops = () => (round ? isStopped : hooks.signal?.aborted === true);
    const tell = (first: number, parts: LossSums) => this.#tell(parts, schedule, first, hooks);
    const inFlight = new InFlight((first, parts) => (round ? round.push(parts) : tell(first, parts)));
    await tables.home();
    for (const stepper of steppers) await stepper.begin(schedule, start);

    try {
      if (!stops()) await this.#prepare(ahead);
      let roundStart = step;
      let isLong = true;
      for (let epoch = firstEpoch; step < totalSteps && !stops(); epoch++) {
        const epochEnd = Math.min(totalSteps, (epoch + 1) * stepsPerEpoch);
        while (step < epochEnd && !stops()) {
          const begun = performance.now();
          const { batches, nSteps, endsRound } = ahead.next();
          inFlight.push(step, await this.#run(batches, step));
          tables.version++;
          step += nSteps;
          this.stepCount = start + step;
          if (endsRound && !round) await tables.moveItems();
          if (!stops()) await this.#prepare(ahead);
          await inFlight.tellAllBut(1);
          if (isLong) await inFlight.settled();
          isLong = performance.now() - begun > LONG_MS;
          if (round && (endsRound || step === totalSteps)) {
            await inFlight.tellAllBut(0);
            const end = await round.end(endsRound, hooks.signal?.aborted === true);
            isStopped = end.isStopped;
            tell(roundStart, end.sums);
            roundStart = step;
          }
        }
        await inFlight.tellAllBut(0);
        if (step < epochEnd) break;
        this.epochCount++;
        if (await hooks.onEpoch?.(epoch)) break;
      }
    } finally {
      await inFlight.end();
    }
    this.tables.gpu.throwIfFailed();
    return step;
  }

  /** Has the batches of the next submissions prepared; waits for those of the first. */
  async #prepare(ahead: BatchesAhead): Promise<void> {
    const coming = ahead.coming();
    for (const [part, stepper] of this.steppers.entries()) await stepper.prepare?.(coming.map(({ batches }) => batches[part]));
  }

  /** Submits the steps of all parts, which need nothing of each other; and begins to copy the sums of their losses back. */
  async #run(batches: readonly Batches[], step: number): Promise<Promise<Float64Array>[]> {
    const sums: Promise<Float64Array>[] = [];
    try {
      for (const [part, stepper] of this.steppers.entries()) {
        await stepper.run(batches[part], step);
        const own = stepper.readLosses();
        own.catch(() => undefined); // nobody awaits it before all parts have run
        sums.push(own);
      }
    } catch (error) {
      await Promise.allSettled(sums);
      throw error;
    }
    return sums;
  }

  /** Tells the losses of consecutive steps. @throws DivergedError */
  #tell(parts: LossSums, { lr }: Schedule, step: number, { onSteps, stopOnNaN }: FitHooks): void {
    const losses = meanLosses(parts, this.epochs.segmentsPerStep, this.options.batchSize);
    onSteps?.(step, losses);
    const bad = stopOnNaN === false ? -1 : losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) throw new DivergedError(step + bad, lr[step + bad]);
  }

  /** Gives the stepper's memory back; a second time does nothing. */
  release(): void {
    for (const stepper of this.steppers) stepper.release();
  }
}

/** As many windows as an epoch needs, all of about one length. */
const evenWindows = (stepsPerEpoch: number, most: number) => Math.ceil(stepsPerEpoch / Math.max(1, Math.ceil(stepsPerEpoch / most)));

/** @throws RangeError for more than `most` steps */
function checkedSteps(asked: number | undefined, most: number): number | undefined {
  if (asked === undefined || asked <= most) return asked;
  throw new RangeError(`stepsPerSubmission must be at most ${most} here, not ${asked}: the buffers of a submission have room for no more.`);
}
