/** Every kernel by name, in all its variants: for listing, printing and compiling them without knowing each. */
import type { Kernel } from '../src/gpu/kernel.js';
import { columnMoments } from './answer/column-moments.wgsl.js';
import { dotBias } from './train/unfused/score.wgsl.js';
import { foldIn } from './answer/fold-in.wgsl.js';
import { forward } from './train/forward.wgsl.js';
import { gather } from './train/unfused/gather.wgsl.js';
import { lazyForward, lazySteps, lazyUpdate, type LazyVariant } from './train/lazy-step.wgsl.js';
import { lossBackward } from './train/unfused/loss-backward.wgsl.js';
import { lossSums } from './train/loss-sums.wgsl.js';
import { adam, type OptimizerOp } from './ops/adam.js';
import { type LossOp, mse } from './ops/loss.js';
import { type RangeOp, sigmoidRange } from './ops/range.js';
import { optimizerStep } from './train/optimizer-step.wgsl.js';
import { predict } from './answer/predict.wgsl.js';
import { scatterAdd } from './train/scatter-add.wgsl.js';
import { applyRange } from './train/unfused/range.wgsl.js';
import { topN } from './answer/top-n.wgsl.js';
import { validate } from './answer/validate.wgsl.js';

/** What kernels vary in; each uses what concerns it. */
export interface KernelVariant {
  loss: LossOp;
  optimizer: OptimizerOp;
  range: RangeOp;
  bias: boolean;
  nFactors: number;
  /** Of the lazy kernels: whether biases decay at a rate of their own, and whether the device is a software one. */
  ownBiasDecay: boolean;
  software: boolean;
}

const lazy = ({ loss, range, bias, nFactors, ownBiasDecay, software }: KernelVariant): LazyVariant => ({
  loss,
  range,
  bias,
  factorVecs: Math.ceil(nFactors / 4),
  ownBiasDecay: bias && ownBiasDecay,
  wholeRow: software,
});

const kernels: Readonly<Record<string, (variant: KernelVariant) => Kernel>> = {
  gather: () => gather,
  dotBias: ({ bias }) => dotBias(bias),
  sigmoidRange: ({ range }) => applyRange(range),
  lossBackward: ({ loss, range }) => lossBackward(loss, range),
  forward: ({ loss, range, bias }) => forward(loss, range, bias),
  scatterAdd: () => scatterAdd,
  optimizerStep: ({ optimizer }) => optimizerStep(optimizer),
  lazyForward: (variant) => lazyForward(lazy(variant)),
  lazyUpdate: (variant) => lazyUpdate(lazy(variant)),
  lazySteps: (variant) => lazySteps(lazy(variant), variant.software ? 64 : 256),
  lossSums: () => lossSums,
  validate: ({ loss, range, bias }) => validate(loss, range, bias),
  predict: ({ range, bias }) => predict(range, bias),
  topN: ({ bias }) => topN(bias),
  columnMoments: () => columnMoments,
  foldIn: ({ range, bias, nFactors }) => foldIn(range, bias, Math.ceil(nFactors / 4)),
};

/** Names for `kernelByName`: those of training in the order of a step, then those of inference. */
export const kernelNames: readonly string[] = Object.keys(kernels);

/**
 * One variant of a kernel. Default: that of the usual model, 40 factors and biases with predictions in a range.
 *
 * @throws RangeError if there is no kernel of that name
 */
export function kernelByName(name: string, variant: Partial<KernelVariant> = {}): Kernel {
  if (!Object.hasOwn(kernels, name)) throw new RangeError(`There is no kernel '${name}'; there are ${kernelNames.join(', ')}.`);
  return kernels[name]({
    loss: mse,
    optimizer: adam,
    range: sigmoidRange([0, 1]),
    bias: true,
    nFactors: 40,
    ownBiasDecay: false,
    software: false,
    ...variant,
  });
}

/** All kernels in all variants, none twice. */
export function allKernels(): Kernel[] {
  const found = new Map<string, Kernel>();
  for (const name of kernelNames) {
    for (const range of [sigmoidRange([0, 1]), sigmoidRange(null)]) {
      for (const nFactors of [1, 40, 128]) {
        for (let flags = 0; flags < 8; flags++) {
          const variant = { range, nFactors, bias: (flags & 1) > 0, ownBiasDecay: (flags & 2) > 0, software: (flags & 4) > 0 };
          const kernel = kernelByName(name, variant);
          found.set(kernel.name, kernel);
        }
      }
    }
  }
  return [...found.values()];
}
