import { checkShare } from '../base/check.js';

/**
 * fastai's running training loss: an exponential moving average, divided by the weight it has seen so far so that the
 * first values are not pulled towards zero.
 *
 *     average = beta average + (1 - beta) loss;   value = average / (1 - beta^t)   after t losses
 *
 * Kept in float64. fastai keeps it in float32, so its figures differ from these by about 1e-6 relative.
 */
export class SmoothLoss {
  #average = 0;
  #beta: number;
  /** beta^t: the weight of the zero that the average started from. */
  #remaining = 1;

  /**
   * @param beta weight of the past, in [0, 1). Default 0.98
   * @throws RangeError for another beta
   */
  constructor(beta = 0.98) {
    checkShare('beta', beta);
    this.#beta = beta;
  }

  /** Takes in the loss of one batch and returns the new smoothed value. */
  push(loss: number): number {
    this.#average = this.#beta * this.#average + (1 - this.#beta) * loss;
    this.#remaining *= this.#beta;
    return this.value;
  }

  /** The smoothed loss, or NaN before the first `push`. */
  get value(): number {
    return this.#average / (1 - this.#remaining);
  }
}
