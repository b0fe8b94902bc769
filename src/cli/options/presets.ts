import type { Command } from 'commander';
import type { Defaults } from '../../train/options.js';

/** Settings that belong together, by the names that they have as options. */
export interface Preset {
  /** Whose defaults of Adam and of the schedule. */
  defaults: Defaults;
  settings: Readonly<Record<string, unknown>>;
  /** Range of predictions, for ratings from 1 to 5. */
  yRange?: readonly [lo: number, hi: number] | undefined;
}

/**
 * `best` was chosen by the error on a quarter of the ratings of half the users in the training part of each of u1 to u5 of
 * MovieLens-100K, never on a test part: more factors, a strong decay of the factors and none of the biases, a gentler and
 * longer cycle, and an eps that damps Adam's steps where gradients are rare and small.
 */
export const PRESETS: Readonly<Record<string, Preset>> = {
  fastai1: { defaults: 'fastai1', settings: {} },
  fastai2: { defaults: 'fastai2', settings: {} },
  best: {
    defaults: 'fastai1',
    settings: { factors: 100, wd: 0.21, wdBias: 0, eps: 2e-4, epochs: 8, lr: 2.45e-3 },
    yRange: [0.2, 5.4],
  },
};

/** Makes `--preset` set the options of the preset; those given beside it, before or after, win. */
export function applyPresets(command: Command): Command {
  return command.on('option:preset', (name: string) => {
    for (const [option, value] of Object.entries(PRESETS[name]?.settings ?? {})) {
      const source = command.getOptionValueSource(option);
      if (source === undefined || source === 'default') command.setOptionValueWithSource(option, value, 'preset');
    }
  });
}

/** The settings of a preset as they would be typed: `--factors 100 --wd-bias 0`. */
export function asFlags({ settings }: Preset): string {
  const flag = (name: string) => `--${name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
  return Object.entries(settings)
    .map(([name, value]) => `${flag(name)} ${String(value)}`)
    .join(' ');
}
