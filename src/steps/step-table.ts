import type { IdleOp, IdleTable, OptimizerOp, Rate } from '../../shaders/ops/optimizer.js';
import { stepStruct } from '../../shaders/ops/structs.js';
import { type Struct, StructArray } from '../gpu/struct.js';
import type { Schedule } from '../schedule/schedule.js';
import type { StepOptions } from './stepper.js';

/** Calls `use` with the `Rate` of every step of a schedule, computed in float64. */
export function rates({ rate }: OptimizerOp, { lr, beta1 }: Schedule, stepCount: number, use: (step: number, rate: Rate) => void): void {
  for (let step = 0; step < lr.length; step++) use(step, rate(lr[step], beta1[step], stepCount + step + 1));
}

/** The `Step` structs of a schedule, 0..nSteps, computed in float64. */
export class StepTable {
  readonly #steps: StructArray<ReturnType<typeof stepStruct>['fields']>;
  /** Rows make their idle steps one by one before this one; from it on the closed form holds. */
  readonly replayEnd: number;

  constructor(
    readonly schedule: Schedule,
    { optimizer, wd, wdBias }: StepOptions,
    idle: IdleOp,
    stepCount: number,
  ) {
    const nSteps = schedule.lr.length;
    const Step = stepStruct(optimizer, idle);
    const steps = (this.#steps = new StructArray(Step, nSteps + 1));
    const rateAt = Object.entries((Step.fields.rate as Struct).at);
    rates(optimizer, schedule, stepCount, (step, rate) => {
      for (const [name, offset] of rateAt) steps.floats[step * Step.size + Step.at.rate + offset] = rate[name];
    });
    const tables = new Map<number, IdleTable>();
    for (const [decay, first] of [
      [wd, Step.at.factors],
      [wdBias, Step.at.biases],
    ] as const) {
      const table = tables.get(decay) ?? idle.table(schedule, { wd: decay, stepCount });
      tables.set(decay, table);
      for (const [name, values] of Object.entries(table.columns)) {
        const components = values.length / (nSteps + 1);
        const offset = first + (Step.fields.factors as Struct).at[name];
        for (let t = 0; t <= nSteps; t++) {
          for (let c = 0; c < components; c++) steps.floats[t * Step.size + offset + c] = values[t * components + c];
        }
      }
    }
    // A step that decays to nothing, or beyond, leaves no product of 1 - lr wd to fold idle steps into.
    const vanishes = schedule.lr.some((lr) => !(lr * Math.max(wd, wdBias) < 1));
    this.replayEnd = vanishes ? nSteps : Math.max(...Array.from(tables.values(), ({ validFrom }) => validFrom));
  }

  /** The Steps from `step` on, one more than there are batches in `touchStart`. */
  slice(step: number, touchStart: Uint32Array): Uint32Array<ArrayBuffer> {
    const { words, of } = this.#steps;
    for (let s = 0; s < touchStart.length; s++) words[(step + s) * of.size + of.at.firstTouch] = touchStart[s];
    return this.#steps.slice(step, step + touchStart.length);
  }
}
