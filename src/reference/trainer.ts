import { ifFinite } from '../../shaders/ops/finite.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import type { OptimizerOp } from '../../shaders/ops/optimizer.js';
import type { RangeOp } from '../../shaders/ops/range.js';
import type { ScoreOp } from '../../shaders/ops/score.js';
import { type ModelShape, RowLayout, type Tables } from '../model/layout.js';

/** Options of a step, as in `StepOptions`. */
export interface ReferenceOptions {
  score: ScoreOp;
  range: RangeOp;
  loss: LossOp;
  optimizer: OptimizerOp;
  wd: number;
  wdBias: number;
}

/**
 * The specification: EmbeddingDotBias trained on the CPU in float64, one plain loop after another. Every stepper is
 * tested against it, and it against fastai's traces.
 */
export class ReferenceTrainer {
  readonly layout: RowLayout;
  readonly param: Float64Array;
  readonly m: Float64Array;
  readonly v: Float64Array;
  /** Steps made so far. */
  stepCount = 0;

  constructor(
    readonly shape: ModelShape,
    tables: Tables,
    readonly options: ReferenceOptions,
  ) {
    this.layout = new RowLayout(shape);
    this.param = Float64Array.from(this.layout.pack(tables));
    this.m = new Float64Array(this.param.length);
    this.v = new Float64Array(this.param.length);
  }

  /** The factors of a row, users first, then items. */
  #factors(row: number): Float64Array {
    const begin = row * this.layout.rowStride;
    return this.param.subarray(begin, begin + this.shape.nFactors);
  }

  #bias(row: number): number {
    return this.shape.hasBias ? this.param[row * this.layout.rowStride + this.layout.biasColumn] : 0;
  }

  /** z = score(u, i) + bu + bi of table rows `user` and `item`. */
  score(user: number, item: number): number {
    const i = this.shape.nUsers + item;
    return this.options.score.value(this.#factors(user), this.#factors(i)) + this.#bias(user) + this.#bias(i);
  }

  predict(user: number, item: number): number {
    return this.options.range.value(this.score(user, item));
  }

  /** Mean loss of a batch (NaN if a score is not finite, which a range may hide) and its gradient with respect to every parameter. */
  gradient(users: ArrayLike<number>, items: ArrayLike<number>, ratings: ArrayLike<number>): { loss: number; grad: Float64Array } {
    const { nUsers, nFactors, hasBias } = this.shape;
    const { rowStride, biasColumn } = this.layout;
    const { score, range, loss } = this.options;
    const grad = new Float64Array(this.param.length);
    let total = 0;
    for (let k = 0; k < users.length; k++) {
      const z = this.score(users[k], items[k]);
      const yHat = range.value(z);
      total += ifFinite(z, loss.value(yHat, ratings[k]));
      const dz = (loss.grad(yHat, ratings[k]) / users.length) * range.grad(z);
      const [user, item] = [users[k], nUsers + items[k]];
      const [ofUser, ofItem] = score.grad(this.#factors(user), this.#factors(item));
      for (let f = 0; f < nFactors; f++) {
        grad[user * rowStride + f] += dz * ofUser[f];
        grad[item * rowStride + f] += dz * ofItem[f];
      }
      if (hasBias) {
        grad[user * rowStride + biasColumn] += dz;
        grad[item * rowStride + biasColumn] += dz;
      }
    }
    return { loss: total / users.length, grad };
  }

  /** One optimiser step on every parameter; returns the batch loss before it. */
  step(users: ArrayLike<number>, items: ArrayLike<number>, ratings: ArrayLike<number>, lr: number, beta1: number): number {
    const { param, m, v } = this;
    const { rowStride, biasColumn } = this.layout;
    const { optimizer, wd, wdBias } = this.options;
    const { loss, grad } = this.gradient(users, items, ratings);
    const rate = optimizer.rate(lr, beta1, ++this.stepCount);
    for (let i = 0; i < param.length; i++) {
      const decay = i % rowStride >= biasColumn ? wdBias : wd;
      [param[i], m[i], v[i]] = optimizer.update(param[i], m[i], v[i], grad[i], rate, decay);
    }
    return loss;
  }
}
