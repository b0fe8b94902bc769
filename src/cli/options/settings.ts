/** Settings by the names that options have in programs and in files, such as `yRange` for `--y-range`. */
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { closest } from '../../base/check.js';
import { isObject } from '../../base/json.js';
import { nameHere } from '../process/flags.js';
import { addDataOptions, type DataFlags } from './data.js';
import { addFitOptions, type FitFlags } from './fit.js';
import { addModelOptions, type ModelFlags } from './model.js';
import { newNameOf } from './renamed.js';
import { addStopOptions, type StopFlags } from './run.js';

/** All that decides the result of `dotbias train`, apart from the device. */
export interface TrainSettings extends DataFlags, ModelFlags, FitFlags, StopFlags {}

/** Adds `TrainSettings`. */
export function addTrainSettings(command: Command): Command {
  return addStopOptions(addFitOptions(addModelOptions(addDataOptions(command))));
}

/** Settings as the command line would have them, the others at their defaults. @throws as `commandOf` */
export function parseSettings<T extends object>(add: (command: Command) => Command, settings: Readonly<Record<string, unknown>>): T {
  return commandOf(add, settings).opts<T>();
}

/**
 * A command that was given these settings.
 *
 * @param add adds the options that are settings
 * @throws RangeError for a setting that does not exist, with the one that was probably meant, and for a value that the command
 *   line would refuse
 */
export function commandOf(add: (command: Command) => Command, settings: Readonly<Record<string, unknown>>): Command {
  const command = add(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const args = Object.entries(settings).flatMap(([name, value]) => argumentOf(command, name, value));
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const said = error.message.replace(/^error: (option .*? is invalid\. )?/, '');
    throw new RangeError(said.replace(/[^.]$/, '$&.'), { cause: error });
  }
  return command;
}

/** One setting as an argument, such as `--y-range=0,5.5` or `--no-bias`. */
function argumentOf({ options }: Command, name: string, value: unknown): string[] {
  const option = options.find((each) => each.attributeName() === name);
  if (option === undefined)
    throw new RangeError(
      insteadOf(
        name,
        options.map((each) => each.attributeName()),
      ),
    );
  if (!option.required && !option.optional) {
    if (typeof value !== 'boolean') throw new RangeError('Use true or false.');
    return value === !option.negate ? [option.long!] : [];
  }
  if (typeof value === 'boolean' || isObject(value)) throw new RangeError('Use a number, a text or a list.');
  return [`${option.long}=${value === null ? 'none' : String(value)}`];
}

/** What to say of a setting that does not exist. */
function insteadOf(name: string, known: readonly string[]): string {
  const now = newNameOf(name);
  if (now !== undefined) return `${name} is now ${now}.`;
  const meant = closest(nameHere(name), known);
  return `there is no such setting; ${meant === undefined ? `known are ${known.join(', ')}.` : `did you mean ${meant}?`}`;
}

const NAMES = addTrainSettings(new Command()).options.map((option) => option.attributeName());

/**
 * The settings of a run by name, where they have a value, those at their defaults too. Files are named from the root, so that
 * the settings mean the same in another folder.
 */
export function settingsOf(flags: TrainSettings): Record<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(flags));
  if (flags.trainFile !== undefined) values.delete('validPct');
  for (const name of ['data', 'trainFile', 'validFile'] as const) {
    const path = flags[name];
    if (path !== undefined && path !== 'planted' && path !== '-') values.set(name, resolve(path));
  }
  return Object.fromEntries(NAMES.filter((name) => values.get(name) !== undefined).map((name) => [name, values.get(name)]));
}
