import type { IdleOp, IdleTable, OptimizerOp, Rate } from '../../shaders/ops/optimizer.js';
import { hiLo, logFactor } from '../../shaders/ops/decay.js';
import { stepStruct } from '../../shaders/ops/structs.js';
import { type Struct, StructArray } from '../gpu/struct.js';
import type { Schedule } from '../schedule/schedule.js';
import type { Window } from './windows.js';
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
  readonly #options: StepOptions;
  readonly #stepCount: number;
  /** The closed form of the factors; and of the biases, where they decay at a rate of their own. */
  readonly #factors: IdleTable;
  readonly #biases: IdleTable | undefined;
  /** The window last asked for, with room for the longest. */
  #steps: StructArray<ReturnType<typeof stepStruct>['fields']>;

  constructor(
    readonly schedule: Schedule,
    options: StepOptions,
    idle: IdleOp,
    stepCount: number,
    ownBiasDecay: boolean,
  ) {
    const { optimizer, wd, wdBias } = options;
    this.#options = options;
    this.#stepCount = stepCount;
    this.#steps = new StructArray(stepStruct(optimizer, idle, ownBiasDecay), 0);
    this.#factors = idle.table(schedule, { wd, stepCount });
    this.#biases = ownBiasDecay ? idle.table(schedule, { wd: wdBias, stepCount }) : undefined;
    // A step that decays to nothing, or beyond, leaves no product of 1 - lr wd to fold idle steps into.
    const vanishes = schedule.lr.some((lr) => !(lr * Math.max(wd, ownBiasDecay ? wdBias : wd) < 1));
    this.replayEnd = vanishes ? schedule.lr.length : Math.max(this.#factors.validFrom, this.#biases?.validFrom ?? 0);
  }

  /** The Steps of a window that begins at `step`, and one more for its end: valid until the next call. */
  window(step: number, { firstTouch, firstMember }: Pick<Window, 'firstTouch' | 'firstMember'>): Uint32Array<ArrayBuffer> {
    const { length } = firstTouch;
    if (this.#steps.length < length) this.#steps = new StructArray(this.#steps.of, length);
    const { words, floats, of } = this.#steps;
    floats.fill(0, 0, length * of.size);
    for (let s = 0; s < length; s++) {
      words[s * of.size + of.at.firstTouch] = firstTouch[s];
      words[s * of.size + of.at.firstMember] = firstMember[s];
    }
    this.#writeRates(step, Math.min(step + length, this.schedule.lr.length));
    this.#writeLogs(step, length);
    this.#writeColumns(of.at.factors, this.#factors.rows(step, step + length), length);
    if (this.#biases) this.#writeColumns(of.at['biases']!, this.#biases.rows(step, step + length), length);
    return this.#steps.slice(0, length);
  }

  /** No step follows the last one, and its rate stays 0. */
  #writeRates(from: number, to: number): void {
    const { floats, of } = this.#steps;
    const at = Object.entries((of.fields.rate as Struct).at);
    rates(this.#options.optimizer, this.schedule, this.#stepCount, [from, to], (step, rate) => {
      for (const [name, offset] of at) floats[(step - from) * of.size + of.at.rate + offset] = rate[name];
    });
  }

  /** Sums of logarithms over the steps of the window before each. */
  #writeLogs(from: number, length: number): void {
    const { floats, of } = this.#steps;
    const { wd, wdBias } = this.#options;
    const { lr, beta1 } = this.schedule;
    const write = (at: number, factor: (step: number) => number) => {
      let sum = 0;
      for (let s = 0; s < length; s++, at += of.size) {
        [floats[at], floats[at + 1]] = hiLo(sum);
        sum += logFactor(factor(from + s));
      }
    };
    write(of.at.logs, (step) => beta1[step]);
    write(of.at.logs + 2, (step) => 1 - lr[step] * wd);
    if (this.#biases) write(of.at['biasLogs']!, (step) => 1 - lr[step] * wdBias);
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
