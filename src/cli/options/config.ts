/** `--config`: settings from a file, such as the report of an earlier run. */
import type { Command } from 'commander';
import { DataError } from '../../base/errors.js';
import { isObject, quote } from '../../base/json.js';
import { UsageError } from '../process/errors.js';
import { readJsonFile } from './json-file.js';
import { addTrainSettings, commandOf, type TrainSettings } from './settings.js';

/** Adds `--config`. */
export function addConfigOption(command: Command): Command {
  return command.option(
    '--config <file.json>',
    'take settings from what --report wrote, or from an object such as {"factors": 100, "yRange": [0, 5.5]}; ' +
      'options given beside it win',
  );
}

/** Settings and a list of columns: a longer file is none. But a report holds a long text, the losses. */
const LIMITS = { maxDepth: 16, maxValues: 1_000_000 };

/** A JSON file with an object. @throws DataError for anything else; the file system's error */
export async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  const value = await readJsonFile(file, LIMITS);
  if (!isObject(value)) throw new DataError(`This holds ${quote(value)}, not an object.`, { file });
  return value;
}

/**
 * Gives a command the settings of the file that its `--config` names, where the command line gives none.
 *
 * @throws UsageError that names the file and the setting, for one that does not exist or a value that cannot be; as `readJsonObject`
 */
export async function applyConfig(command: Command): Promise<void> {
  const { config: file } = command.opts<{ config?: string | undefined }>();
  if (file === undefined) return;
  const parsed = parseConfig(file, await readSettings(file));
  const isGiven = (name: string) => ['cli', 'preset'].includes(command.getOptionValueSource(name) ?? '');
  const files = isGiven('trainFile') || isGiven('validFile');
  for (const [name, value] of Object.entries(parsed)) {
    // One place of data stands for the other.
    const isReplaced = files ? ['data', 'validPct'].includes(name) : isGiven('data') && ['trainFile', 'validFile'].includes(name);
    if (!isGiven(name) && !isReplaced) command.setOptionValueWithSource(name, value, 'config');
  }
  if (isGiven('validPct') && command.opts<TrainSettings>().trainFile !== undefined) {
    throw new UsageError(`--valid-pct is for ratings to split, and ${file} names ratings that are split already; give --data too.`);
  }
}

/** The settings of a report, or an object of settings itself. */
async function readSettings(file: string): Promise<Record<string, unknown>> {
  const content = await readJsonObject(file);
  const { options } = content;
  if (isObject(options)) return options;
  if (options === undefined && isObject(content['config']) && 'usPerStep' in content) {
    throw new UsageError(`${file} is the report of a version that did not write its options: name the settings themselves.`);
  }
  return content;
}

/** A command that was given the settings of a file. @throws UsageError that names the file and the setting */
export function commandOfFile(file: string, settings: Readonly<Record<string, unknown>>): Command {
  const parse = (some: Readonly<Record<string, unknown>>) => commandOf(addTrainSettings, some);
  for (const [name, value] of Object.entries(settings)) {
    inFile(`${file}: ${name} is ${quote(value)}: `, () => parse({ [name]: value }));
  }
  return inFile(`${file}: `, () => parse(settings));
}

/** The settings that the file gives, those of its preset too, as the command line would have them. */
function parseConfig(file: string, settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const command = commandOfFile(file, settings);
  const isGiven = (name: string) => !['default', undefined].includes(command.getOptionValueSource(name));
  return Object.fromEntries(Object.entries(command.opts()).filter(([name]) => isGiven(name)));
}

function inFile<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(where + error.message, { cause: error });
  }
}
