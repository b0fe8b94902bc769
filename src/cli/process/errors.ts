import type { Command } from 'commander';
import { DataError, DotbiasError } from '../../base/errors.js';
import { VERSION } from '../../base/version.js';
import { ourReasonOf } from '../../node/disk/errors.js';
import { nameFlags } from './flags.js';
import { runtimeName } from './runtime.js';
import { oneSentence } from './terminal.js';

/** A refusal of the command line itself: its sentence names flags already, and is printed as it is. */
export class UsageError extends DotbiasError {}

/**
 * What to print for an error: one line for what the user can act on, everything for a defect.
 *
 * @param command the command that ran, whose flags the line is to name
 */
export function describeError(error: unknown, command?: Command): string {
  if (error instanceof DotbiasError || isRefusal(error)) return `error: ${sentenceOf(error, command)}`;
  if (isSystemError(error)) return `error: ${systemSentence(error)}`;
  const detail = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  const where = `dotbias ${VERSION} (${runtimeName()}, ${process.platform} ${process.arch})`;
  return `${detail}\nThis is a defect of ${where}: please report it with the lines above.`;
}

/** The message of an error on one line, in the words of the command that ran. */
function sentenceOf(error: Error, command?: Command): string {
  const { message } = error;
  if (command === undefined || error instanceof UsageError) return oneSentence(message);
  const where =
    error instanceof DataError && error.file !== undefined && message.startsWith(error.file)
      ? message.indexOf(': ', error.file.length) + 2
      : 0;
  return oneSentence(message.slice(0, where) + nameFlags(message.slice(where), command, isRefusal(error)));
}

/** Whether an error is our own refusal of an argument: a sentence with its full stop, which the JavaScript engine's never have. */
export function isRefusal(error: unknown): error is Error {
  return (error instanceof RangeError || error instanceof TypeError) && error.message.endsWith('.');
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** A system error in the order of our own sentences: `x: permission denied.` for `EACCES: permission denied, open 'x'`. */
export function systemSentence({ message, path }: NodeJS.ErrnoException): string {
  const reason = ourReasonOf(message);
  return oneSentence(reason !== undefined && path !== undefined ? `${path}: ${reason}.` : message);
}
