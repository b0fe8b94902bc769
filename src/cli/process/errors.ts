import type { Command } from 'commander';
import { DotbiasError } from '../../base/errors.js';
import { VERSION } from '../../base/version.js';

/**
 * What to print for an error: one line for what the user can act on, everything for a defect.
 *
 * @param command the command that ran, whose flags the line is to name
 */
export function describeError(error: unknown, command?: Command): string {
  if (isRefusal(error)) return `error: ${command === undefined ? error.message : nameFlags(error.message, command)}`;
  if (error instanceof DotbiasError) return `error: ${error.message}`;
  if (isSystemError(error)) return `error: ${systemMessage(error)}`;
  const detail = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  const where = `dotbias ${VERSION} (Node ${process.version}, ${process.platform} ${process.arch})`;
  return `${detail}\nThis is a defect of ${where}: please report it with the lines above.`;
}

/** Whether an error is our own refusal of an argument: a sentence with its full stop, which the JavaScript engine's never have. */
export function isRefusal(error: unknown): error is Error {
  return (error instanceof RangeError || error instanceof TypeError) && error.message.endsWith('.');
}

/**
 * A refusal names options as the API does; the user knows them as flags: `batchSize 0` becomes `--batch-size 0`. Only the
 * first word, and words with a capital inside, are taken for names: `epochs` may also be a plain word.
 */
function nameFlags(message: string, { options }: Command): string {
  const flags = new Map(options.map((option) => [option.attributeName(), option.long]));
  return message.replace(/^[a-z]+\b|\b[a-z]+[A-Z]\w*/g, (name) => flags.get(name) ?? name);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** `ENOENT: no such file or directory, open 'x'` the other way round. */
function systemMessage({ message, path }: NodeJS.ErrnoException): string {
  const [, reason] = /^[A-Z0-9_]+: (.*?), \w+/.exec(message) ?? [];
  return reason !== undefined && path !== undefined ? `${path}: ${reason}.` : message;
}
