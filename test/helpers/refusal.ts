import * as assert from 'uvu/assert';

type ErrorType = abstract new (...args: never[]) => Error;

/** The error that some work is refused with, now or later: one of the given type, in sentences. */
export async function refusal(work: () => unknown, type: ErrorType = RangeError): Promise<Error> {
  const error: unknown = await (async () => work())().then(
    () => new Error('Nothing was refused.'),
    (reason: unknown) => reason,
  );
  assert.instance(error, type, String(error));
  const { message } = error as Error;
  assert.match(message, /^\S[^]*[.?]$/, `no sentence: ${message}`);
  return error as Error;
}

/** Asserts that some work is refused with an error of this type that says `message`. */
export async function assertRefused(work: () => unknown, message: RegExp, type: ErrorType = RangeError): Promise<void> {
  assert.match((await refusal(work, type)).message, message);
}
