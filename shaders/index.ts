/** Every kernel by name, in all its variants: for listing, printing and compiling them without knowing each. */
import type { Kernel } from '../src/gpu/kernel.js';
import { columnMoments } from './answer/column-moments.wgsl.js';
import { foldIn } from './answer/fold-in.wgsl.js';
import { gatherRows } from './answer/gather-rows.wgsl.js';
import { predict } from './answer/predict.wgsl.js';
import { topN } from './answer/top-n.wgsl.js';
import { validate } from './answer/validate.wgsl.js';
import { copies } from './batches/copies.wgsl.js';
import { draw } from './batches/draw.wgsl.js';
import { fill } from './batches/fill.wgsl.js';
import { rank } from './batches/rank.wgsl.js';
import { countDigits, scanDigits, scatterDigits } from './batches/sort.wgsl.js';
import { adam } from './ops/adam.js';
import { type LossOp, mse } from './ops/loss.js';
import type { OptimizerOp } from './ops/optimizer.js';
import { identity, type RangeOp, sigmoidRange } from './ops/range.js';
import { dotProduct, type ScoreOp } from './ops/score.js';
import { sgd } from './ops/sgd.js';
import { forward } from './train/forward.wgsl.js';
import { lazyEnter } from './train/lazy-enter.wgsl.js';
import type { LazyVariant } from './train/lazy-rows.js';
import { lazyPartials } from './train/lazy-partials.wgsl.js';
import { lazyCountedStep, lazyStep, lazySteps } from './train/lazy-step.wgsl.js';
import { nonFinite } from './train/non-finite.wgsl.js';
import { lossSums } from './train/loss-sums.wgsl.js';
import { optimizerStep } from './train/optimizer-step.wgsl.js';
import { scatterAdd } from './train/scatter-add.wgsl.js';
import { applyRange } from './train/unfused/apply-range.wgsl.js';
import { gather } from './train/unfused/gather.wgsl.js';
import { lossBackward } from './train/unfused/loss-backward.wgsl.js';
import { scores } from './train/unfused/scores.wgsl.js';

/** What kernels vary in; each uses what concerns it. */
export interface KernelVariant {
  loss: LossOp;
  optimizer: OptimizerOp;
  range: RangeOp;
  score: ScoreOp;
  hasBias: boolean;
  nFactors: number;
  /** Of the lazy kernels, see `LazyVariant`. */
  ownBiasDecay: boolean;
  replays: boolean;
  lanes: number;
}

function lazy({ nFactors, ownBiasDecay, replays, lanes, ...ops }: KernelVariant): LazyVariant {
  const { idle } = ops.optimizer;
  if (idle === undefined) throw new RangeError(`${ops.optimizer.name} has no closed form for idle steps, so it has no lazy kernels.`);
  return {
    ...ops,
    idle,
    factorVecs: Math.ceil(nFactors / 4),
    ownBiasDecay: ops.hasBias && ownBiasDecay,
    replays,
    isApart: false,
    lanes,
    shuffles: false,
    splitsLongRows: lanes > 1,
  };
}

const kernels: Readonly<Record<string, (variant: KernelVariant) => Kernel>> = {
  draw: () => draw,
  copies: () => copies,
  rank: () => rank,
  countDigits: () => countDigits,
  scanDigits: () => scanDigits,
  scatterDigits: () => scatterDigits,
  fill: () => fill,
  gather: () => gather,
  scores: ({ score, hasBias }) => scores(score, hasBias),
  applyRange: ({ range }) => applyRange(range),
  lossBackward: ({ loss, range, score }) => lossBackward(loss, range, score),
  forward: ({ loss, range, score, hasBias }) => forward(loss, range, score, hasBias),
  scatterAdd: ({ score }) => scatterAdd(score),
  optimizerStep: ({ optimizer }) => optimizerStep(optimizer),
  lazyEnter: (variant) => lazyEnter(lazy(variant)),
  lazyStep: (variant) => lazyStep(lazy(variant)),
  lazyCountedStep: (variant) => lazyCountedStep({ ...lazy(variant), replays: false, splitsLongRows: false }),
  lazyPartials: (variant) => lazyPartials(lazy(variant)),
  lazySteps: (variant) => lazySteps(lazy(variant), 64),
  lossSums: () => lossSums,
  nonFinite: () => nonFinite,
  validate: ({ loss, range, score, hasBias }) => validate(loss, range, score, hasBias),
  predict: ({ range, score, hasBias }) => predict(range, score, hasBias),
  topN: ({ score, hasBias }) => topN(score, hasBias),
  columnMoments: () => columnMoments,
  gatherRows: () => gatherRows,
  foldIn: ({ range, hasBias, nFactors }) => foldIn(range, hasBias, Math.ceil(nFactors / 4)),
};

/** Names for `kernelByName`: those of training in the order of a step, then those of inference. */
export const kernelNames: readonly string[] = Object.keys(kernels);

const USUAL: KernelVariant = {
  loss: mse,
  optimizer: adam(),
  range: sigmoidRange([0, 5.5]),
  score: dotProduct,
  hasBias: true,
  nFactors: 40,
  ownBiasDecay: false,
  replays: false,
  lanes: 1,
};

/**
 * One variant of a kernel. Default: that of the usual model, 40 factors and biases with predictions in a range.
 *
 * @throws RangeError if there is no kernel of that name
 */
export function kernelByName(name: string, variant: Partial<KernelVariant> = {}): Kernel {
  if (!Object.hasOwn(kernels, name)) throw new RangeError(`There is no kernel '${name}'; there are ${kernelNames.join(', ')}.`);
  return kernels[name]({ ...USUAL, ...variant });
}

/** All kernels in all variants, none twice. */
export function allKernels(): Kernel[] {
  const found = new Map<string, Kernel>();
  const ranges = [sigmoidRange([0, 5.5]), identity];
  const optimizers = [adam(), sgd(), sgd({ momentum: true })];
  for (const name of kernelNames) {
    for (const range of ranges) {
      for (const optimizer of optimizers) {
        for (const nFactors of [1, 40, 128]) {
          for (let flags = 0; flags < 16; flags++) {
            const choices = { hasBias: (flags & 1) > 0, ownBiasDecay: (flags & 2) > 0, replays: (flags & 4) > 0, lanes: flags & 8 || 1 };
            const kernel = kernelByName(name, { range, optimizer, nFactors, ...choices });
            found.set(kernel.name, kernel);
          }
        }
      }
    }
  }
  return [...found.values()];
}
