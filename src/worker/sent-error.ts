import * as errors from '../base/errors.js';

/** An error as plain data: a structured clone of one would lose its class and what it says beside its message. */
export interface SentError {
  name: string;
  message: string;
  stack: string | undefined;
  cause: SentError | string | undefined;
  /** What else it says, such as the step of a `DivergedError`. */
  fields: Record<string, unknown>;
}

/** What errors are revived as, by name. */
const CLASSES: Readonly<Record<string, { prototype: Error } | undefined>> = { ...errors, Error, RangeError, SyntaxError, TypeError };

/** An error as plain data; of anything else that was thrown, its text. */
export function sendError(thrown: unknown): SentError {
  if (!isError(thrown)) return { name: 'Error', message: String(thrown), stack: undefined, cause: undefined, fields: {} };
  const { name, message, stack, cause } = thrown;
  const fields = Object.entries(thrown).filter(([field, value]) => field !== 'name' && Object(value) !== value);
  const sentCause = isError(cause) ? sendError(cause) : cause === undefined ? undefined : String(cause);
  return { name, message, stack, cause: sentCause, fields: Object.fromEntries(fields) };
}

/** The error again: of the same class where that is ours or one of the language, a `DOMException` where it was one, else an `Error`. */
export function reviveError({ name, message, stack, cause, fields }: SentError): Error {
  const ours = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  const error = ours === undefined ? new DOMException(message, name) : Object.setPrototypeOf(new Error(message), ours.prototype);
  const also = { name, stack, cause: typeof cause === 'object' ? reviveError(cause) : cause, ...fields };
  for (const [field, value] of Object.entries(also)) {
    if (value !== undefined && error[field] !== value) Object.defineProperty(error, field, { value, writable: true, configurable: true });
  }
  return error;
}

/** Whether it is an error, a `DOMException` included, of this or another realm. */
const isError = (value: unknown): value is Error =>
  value instanceof Error || (typeof DOMException === 'function' && value instanceof DOMException);
