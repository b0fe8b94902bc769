import { DeviceLostError, DotbiasError, OverloadedError } from '../../base/errors.js';

/** What a request is answered with when it cannot be answered: a status and a sentence for the one who asked. */
export class HttpError extends Error {
  override readonly name = 'HttpError';

  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** A 503 that asks to come again after some seconds. */
export const unavailable = (message: string, seconds: number): HttpError => new HttpError(503, message, { 'Retry-After': String(seconds) });

/** An error as a client is to see it: our own refusals of arguments are theirs, and what else fails is ours. */
export function httpErrorOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof OverloadedError) return unavailable('Too many requests are waiting: try again in a second.', 1);
  if (error instanceof DeviceLostError) return unavailable('The device was lost and is being opened again: try again soon.', 2);
  if (error instanceof DotbiasError) return new HttpError(500, error.message);
  const isRefusal = (error instanceof RangeError || error instanceof TypeError) && error.message.endsWith('.');
  return isRefusal ? new HttpError(400, error.message) : new HttpError(500, 'The server failed to answer this request.');
}
