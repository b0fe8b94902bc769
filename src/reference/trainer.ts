import { type OptimizerOp, rateOf } from '../../shaders/ops/adam.js';
import type { LossOp } from '../../shaders/ops/loss.js';
import { sigmoidRange } from '../../shaders/ops/range.js';
import { RowLayout, type ModelShape, type Tables } from '../model/tables.js';

/** Options of a step, as in `StepOptions`. */
export interface ReferenceOptions {
  yRange: readonly [lo: number, hi: number] | null;
  loss: LossOp;
  optimizer: OptimizerOp;
  wd: number;
  wdBias: number;
  beta2: number;
  eps: number;
}

/**
 * The specification: EmbeddingDotBias trained on the CPU in float64, one plain loop after another. Every GPU path is
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

  /** z = u . i + bu + bi of table rows `user` and `item`. */
  score(user: number, item: number): number {
    const { rowStride, biasColumn } = this.layout;
    const u = user * rowStride;
    const i = (this.shape.nUsers + item) * rowStride;
    let z = this.shape.bias ? this.param[u + biasColumn] + this.param[i + biasColumn] : 0;
    for (let f = 0; f < this.shape.nFactors; f++) z += this.param[u + f] * this.param[i + f];
    return z;
  }

  predict(user: number, item: number): number {
    return sigmoidRange(this.options.yRange).value(this.score(user, item));
  }

  /** Mean loss of a batch and its gradient with respect to every parameter. */
  gradient(users: ArrayLike<number>, items: ArrayLike<number>, ratings: ArrayLike<number>): { loss: number; grad: Float64Array } {
    const {
      param,
      shape: { nUsers, nFactors, bias },
      layout: { rowStride, biasColumn },
      options: { loss },
    } = this;
    const range = sigmoidRange(this.options.yRange);
    const grad = new Float64Array(param.length);
    let total = 0;
    for (let k = 0; k < users.length; k++) {
      const z = this.score(users[k], items[k]);
      const yHat = range.value(z);
      total += loss.value(yHat, ratings[k]);
      const dz = (loss.grad(yHat, ratings[k]) / users.length) * range.grad(z);
      const u = users[k] * rowStride;
      const i = (nUsers + items[k]) * rowStride;
      for (let f = 0; f < nFactors; f++) {
        grad[u + f] += dz * param[i + f];
        grad[i + f] += dz * param[u + f];
      }
      if (bias) {
        grad[u + biasColumn] += dz;
        grad[i + biasColumn] += dz;
      }
    }
    return { loss: total / users.length, grad };
  }

  /** One optimiser step on every parameter; returns the batch loss before it. */
  step(users: ArrayLike<number>, items: ArrayLike<number>, ratings: ArrayLike<number>, lr: number, beta1: number): number {
    const {
      param,
      m,
      v,
      layout: { rowStride, biasColumn },
      options: { optimizer, wd, wdBias, beta2, eps },
    } = this;
    const { loss, grad } = this.gradient(users, items, ratings);
    const rate = rateOf(lr, beta1, beta2, ++this.stepCount);
    for (let i = 0; i < param.length; i++) {
      const decay = i % rowStride >= biasColumn ? wdBias : wd;
      [param[i], m[i], v[i]] = optimizer.update(param[i], m[i], v[i], grad[i], rate, decay, beta2, eps) as [number, number, number];
    }
    return loss;
  }
}
