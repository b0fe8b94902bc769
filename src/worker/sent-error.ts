import {
  DotbiasError,
  DataError,
  NoAdapterError,
  MemoryBudgetError,
  ShaderCompileError,
  GpuError,
  DeviceLostError,
  OverloadedError,
  DivergedError,
  FileFormatError,
} from '../base/errors.js';

/** An error as plain data: a structured clone of one would lose its class and what it says beside its message. */
export interface SentError {
  name: string;
  isDomException: boolean;
  message: string;
  stack: string | undefined;
  cause: SentError | string | undefined;
  /** What else it says, such as the step of a `DivergedError`. */
  fields: Record<string, unknown>;
}

/** What errors are revived as, by name: listed one by one, since a namespace costs a page more bytes. */
const CLASSES: Readonly<Record<string, { prototype: Error } | undefined>> = {
  DotbiasError,
  DataError,
  NoAdapterError,
  MemoryBudgetError,
  ShaderCompileError,
  GpuError,
  DeviceLostError,
  OverloadedError,
  DivergedError,
  FileFormatError,
  Error,
  RangeError,
  SyntaxError,
  TypeError,
};

/** An error as plain data; of anything else that was thrown, its text. */
export function sendError(thrown: unknown): SentError {
  if (!isError(thrown))
    return { name: 'Error', isDomException: false, message: String(thrown), stack: undefined, cause: undefined, fields: {} };
  const { name, message, stack, cause } = thrown;
  const fields = Object.entries(thrown).filter(([field, value]) => field !== 'name' && Object(value) !== value);
  const sentCause = isError(cause) ? sendError(cause) : cause === undefined ? undefined : String(cause);
  return { name, isDomException: isDomException(thrown), message, stack, cause: sentCause, fields: Object.fromEntries(fields) };
}

/** The error again: of the same class if that is ours, one of the language or `DOMException`, else an `Error` of that name. */
export function reviveError({ name, isDomException, message, stack, cause, fields }: SentError): Error {
  const error: Error = isDomException ? new DOMException(message, name) : new Error(message);
  const Class = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (Class) Object.setPrototypeOf(error, Class.prototype);
  const also = { name, stack, cause: typeof cause === 'object' ? reviveError(cause) : cause, ...fields };
  for (const [field, value] of Object.entries(also)) {
    if (value !== undefined && error[field as keyof Error] !== value)
      Object.defineProperty(error, field, { value, writable: true, configurable: true });
  }
  return error;
}

const isDomException = (value: unknown) => typeof DOMException === 'function' && value instanceof DOMException;

/** In some runtimes a `DOMException` is no `Error`. */
const isError = (value: unknown): value is Error => value instanceof Error || isDomException(value);
