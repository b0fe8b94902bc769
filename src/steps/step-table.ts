import type { IdleOp, IdleTable, OptimizerOp, Rate } from '../../shaders/ops/optimizer.js';
import { stepStruct } from '../../shaders/ops/structs.js';
import { type Struct, StructArray } from '../gpu/struct.js';
import type { Schedule } from '../schedule/schedule.js';
import type { StepOptions } from './stepper.js';

/** Calls `use` with the `Rate` of the steps [from, to) of a schedule, computed in float64. */
export function rates(
  { rate }: OptimizerOp,
  { lr, beta1 }: Schedule,
  stepCount: number,
  [from, to]: readonly [from: number, to: number],
  use: (step: number, rate: Rate) => void,
): void {
  for (let step = from; step < to; step++) use(step, rate(lr[step], beta1[step], stepCount + step + 1));
}

/** The `Step` structs of a schedule, 0..nSteps, computed in float64 window by window. */
export class StepTable {
  /** Rows make their idle steps one by one before this one; from it on the closed form holds. */
  readonly replayEnd: number;
  readonly #optimizer: OptimizerOp;
  readonly #stepCount: number;
  /** Which columns the fields `factors` and `biases` have. */
  readonly #tables: Readonly<Record<'factors' | 'biases', IdleTable>>;
  /** The window last asked for, with room for the longest. */
  #steps: StructArray<ReturnType<typeof stepStruct>['fields']>;

  constructor(
    readonly schedule: Schedule,
    { optimizer, wd, wdBias }: StepOptions,
    idle: IdleOp,
    stepCount: number,
  ) {
    this.#optimizer = optimizer;
    this.#stepCount = stepCount;
    this.#steps = new StructArray(stepStruct(optimizer, idle), 0);
    const factors = idle.table(schedule, { wd, stepCount });
    const biases = wdBias === wd ? factors : idle.table(schedule, { wd: wdBias, stepCount });
    this.#tables = { factors, biases };
    // A step that decays to nothing, or beyond, leaves no product of 1 - lr wd to fold idle steps into.
    const vanishes = schedule.lr.some((lr) => !(lr * Math.max(wd, wdBias) < 1));
    this.replayEnd = vanishes ? schedule.lr.length : Math.max(factors.validFrom, biases.validFrom);
  }

  /** The Steps from `step` on, one more than there are batches in `touchStart`: valid until the next call. */
  slice(step: number, touchStart: Uint32Array): Uint32Array<ArrayBuffer> {
    const { length } = touchStart;
    if (this.#steps.length < length) this.#steps = new StructArray(this.#steps.of, length);
    const { words, floats, of } = this.#steps;
    floats.fill(0, 0, length * of.size);
    for (let s = 0; s < length; s++) words[s * of.size + of.at.firstTouch] = touchStart[s];
    this.#writeRates(step, Math.min(step + length, this.schedule.lr.length));
    const { factors, biases } = this.#tables;
    const columns = factors.rows(step, step + length);
    this.#writeColumns(of.at.factors, columns, length);
    this.#writeColumns(of.at.biases, biases === factors ? columns : biases.rows(step, step + length), length);
    return this.#steps.slice(0, length);
  }

  /** No step follows the last one, and its rate stays 0. */
  #writeRates(from: number, to: number): void {
    const { floats, of } = this.#steps;
    const at = Object.entries((of.fields.rate as Struct).at);
    rates(this.#optimizer, this.schedule, this.#stepCount, [from, to], (step, rate) => {
      for (const [name, offset] of at) floats[(step - from) * of.size + of.at.rate + offset] = rate[name];
    });
  }

  #writeColumns(first: number, columns: ReturnType<IdleTable['rows']>, length: number): void {
    const { floats, of } = this.#steps;
    for (const [name, values] of Object.entries(columns)) {
      const components = values.length / length;
      const offset = first + (of.fields.factors as Struct).at[name];
      for (let s = 0; s < length; s++) {
        for (let c = 0; c < components; c++) floats[s * of.size + offset + c] = values[s * components + c];
      }
    }
  }
}
