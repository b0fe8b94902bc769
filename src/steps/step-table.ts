import { rateFields, rateOf } from '../../shaders/ops/adam.js';
import { STEP_FIRST_TOUCH, STEP_POLES, STEP_SIZE } from '../../shaders/ops/idle-adam.js';
import { idlePoles, N_POLES, replayEnd } from '../../shaders/ops/idle-adam-poles.js';
import type { Schedule } from '../schedule/schedule.js';
import type { StepOptions } from './stepper.js';

/** The `Step` structs of a schedule, 0..nSteps, computed in float64. */
export class StepTable {
  readonly #floats: Float32Array<ArrayBuffer>;
  readonly #words: Uint32Array<ArrayBuffer>;
  /** Rows replay idle steps before this one; from it on the closed form holds. */
  readonly replayEnd: number;

  constructor(
    readonly schedule: Schedule,
    { wd, wdBias, beta2, eps }: StepOptions,
    stepCount: number,
  ) {
    const { lr, beta1 } = schedule;
    this.#floats = new Float32Array((lr.length + 1) * STEP_SIZE);
    this.#words = new Uint32Array(this.#floats.buffer);
    lr.forEach((lrOfStep, t) => {
      this.#floats.set(rateFields(rateOf(lrOfStep, beta1[t], beta2, stepCount + t + 1)), t * STEP_SIZE);
    });
    const fits = new Map(
      [...new Set([wd, wdBias])].map((decay) => {
        const idle = { wd: decay, beta2, eps, stepCount };
        const poles = idlePoles(schedule, idle);
        return [decay, { poles, replayEnd: replayEnd(schedule, idle, poles) }];
      }),
    );
    [wd, wdBias].forEach((decay, i) => {
      const { weights, shifts } = fits.get(decay)!.poles;
      for (let t = 0; t <= lr.length; t++) {
        const at = t * STEP_SIZE + STEP_POLES[i];
        for (let p = 0; p < N_POLES; p++) {
          this.#floats[at + p] = weights[t * N_POLES + p];
          this.#floats[at + 4 + p] = shifts[t * N_POLES + p];
        }
      }
    });
    this.replayEnd = Math.max(...Array.from(fits.values(), (fit) => fit.replayEnd));
  }

  /** The Steps from `step` on, one more than there are batches in `touchStart`. */
  slice(step: number, touchStart: Uint32Array): Uint32Array<ArrayBuffer> {
    touchStart.forEach((first, s) => (this.#words[(step + s) * STEP_SIZE + STEP_FIRST_TOUCH] = first));
    return this.#words.subarray(step * STEP_SIZE, (step + touchStart.length) * STEP_SIZE);
  }
}
