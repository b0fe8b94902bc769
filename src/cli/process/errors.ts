import { DotbiasError } from '../../base/errors.js';
import { VERSION } from '../../base/version.js';

/** What to print for an error: one line for what a user can act on, everything for a defect. */
export function describeError(error: unknown): string {
  if (isForUser(error)) return `error: ${error.message}`;
  if (isSystemError(error)) return `error: ${systemMessage(error)}`;
  const detail = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return `${detail}\nThis is a defect of dotbias ${VERSION} (Node ${process.version}, ${process.platform} ${process.arch}): please report it with the lines above.`;
}

/** Our own refusals of an argument are sentences and end in a full stop; messages of the JavaScript engine never do. */
export function isRefusal(error: unknown): error is Error {
  return (error instanceof RangeError || error instanceof TypeError) && error.message.endsWith('.');
}

function isForUser(error: unknown): error is Error {
  return error instanceof DotbiasError || isRefusal(error);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** `ENOENT: no such file or directory, open 'x'` the other way round. */
function systemMessage({ message, path }: NodeJS.ErrnoException): string {
  const [, reason] = /^[A-Z0-9_]+: (.*?), \w+/.exec(message) ?? [];
  return reason !== undefined && path !== undefined ? `${path}: ${reason}.` : message;
}
