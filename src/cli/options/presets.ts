import type { Command } from 'commander';
import type { Defaults } from '../../train/learner.js';

/** Settings that belong together, by the names that they have as flags. */
export interface Preset {
  /** Whose defaults of Adam and of the schedule. */
  defaults: Defaults;
  flags: Readonly<Record<string, unknown>>;
}

/**
 * `best` was chosen by the error on a quarter of the ratings of half the users in the training part of each of u1 to u5 of
 * MovieLens-100K, never on a test part: more factors, a strong decay of the factors and none of the biases, a gentler and
 * longer cycle, and an eps that damps Adam's steps where gradients are rare and small.
 */
export const PRESETS: Readonly<Record<string, Preset>> = {
  fastai1: { defaults: 'fastai1', flags: {} },
  fastai2: { defaults: 'fastai2', flags: {} },
  best: { defaults: 'fastai1', flags: { factors: 100, wd: 0.21, wdBias: 0, eps: 2e-4, yRange: [0.2, 5.4], epochs: 8, lr: 2.45e-3 } },
};

/** Makes `--preset` set the flags of the preset; those given beside it, before or after, hold. */
export function applyPresets(command: Command): Command {
  return command.on('option:preset', (name: string) => {
    for (const [flag, value] of Object.entries(PRESETS[name]?.flags ?? {})) {
      const source = command.getOptionValueSource(flag);
      if (source === undefined || source === 'default') command.setOptionValueWithSource(flag, value, 'preset');
    }
  });
}
