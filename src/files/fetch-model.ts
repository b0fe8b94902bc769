/** The bytes of a model file from a server, with bounds on what is taken, in pages and in Node. */
import { checkWhole, show } from '../base/check.js';
import { DotbiasError, FileFormatError } from '../base/errors.js';

/** How a model is fetched; all optional. */
export interface FetchOptions {
  /** The most bytes that are taken from the server. Default 2^29, half a GiB. */
  maxBytes?: number | undefined;
  /** The SHA-256 that the file must have, 64 hexadecimal digits: any other is refused before it is read. Default: any. */
  sha256?: string | undefined;
  /** Ends the transfer, which then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Those that can be sent to a worker. */
export type SentLoadOptions = Pick<FetchOptions, 'maxBytes' | 'sha256'>;

const MAX_BYTES = 2 ** 29;

/**
 * @throws RangeError or TypeError for a wrong option or an address that is not of http; DotbiasError if the server cannot be reached,
 *   answers with anything but success or sends too much; FileFormatError for another SHA-256; the reason of `signal`
 */
export async function fetchModel(address: string | URL, options: FetchOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes = MAX_BYTES, sha256, signal } = options;
  checkWhole('maxBytes', maxBytes);
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new TypeError(`sha256 must be 64 hexadecimal digits, not ${show(sha256)}.`);
  }
  const url = urlOf(address);
  // What follows the path may be a secret.
  const where = `${url.origin}${url.pathname}`;
  const bytes = await transfer(url, where, maxBytes, signal);
  if (sha256 === undefined) return bytes;
  const found = await digest(bytes);
  if (found === sha256.toLowerCase()) return bytes;
  throw new FileFormatError(`${where}: This is another file: its SHA-256 is ${found}, not ${sha256.toLowerCase()}.`);
}

function urlOf(address: string | URL): URL {
  try {
    const url = new URL(address);
    if (['https:', 'http:'].includes(url.protocol)) return url;
  } catch {
    // said below
  }
  throw new TypeError(`A model is fetched from an address of https or http, not from ${show(String(address))}.`);
}

/** Fetches and decodes a file. @throws as `fetchModel`, and FileFormatError with the address for what `decode` refuses */
export async function fetchedModel<T>(address: string | URL, options: FetchOptions, decode: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await fetchModel(address, options);
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error;
    const { origin, pathname } = new URL(address);
    throw new FileFormatError(`${origin}${pathname}: ${error.message}`, { cause: error });
  }
}

async function transfer(url: URL, where: string, maxBytes: number, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const tooLong = () => new DotbiasError(`${where}: The file is longer than ${maxBytes} bytes; give a larger maxBytes if that is right.`);
  let nBytes = 0;
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await fetch(url, { signal: controller.signal });
    if (!response.ok) throw new DotbiasError(`${where}: ${statusSentence(response)}`);
    if (url.protocol === 'https:' && new URL(response.url).protocol !== 'https:') {
      throw new DotbiasError(`${where}: The server sends on to ${new URL(response.url).origin}, which is not https.`);
    }
    const length = Number(response.headers.get('content-length'));
    if (length > maxBytes) throw tooLong();
    // Grows where the server does not say how long the file is, or says how long it is compressed.
    let bytes = new Uint8Array(length || 2 ** 20);
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytes.subarray(0, nBytes);
      if (nBytes + value.length > maxBytes) throw tooLong();
      if (nBytes + value.length > bytes.length) {
        const larger = new Uint8Array(Math.min(maxBytes, Math.max(2 * bytes.length, nBytes + value.length)));
        larger.set(bytes.subarray(0, nBytes));
        bytes = larger;
      }
      bytes.set(value, nBytes);
      nBytes += value.length;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DotbiasError) throw error;
    if (nBytes > 0) throw new DotbiasError(`${where}: The connection broke after ${nBytes} bytes; try again.`, { cause: error });
    throw new DotbiasError(`${where}: The server could not be reached${reasonOf(error)}.`, { cause: error });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    controller.abort(); // what is left of an answer that was refused is not waited for
  }
}

function statusSentence({ status, statusText }: Response): string {
  const answered = `The server answered ${`${status} ${statusText}`.trim()}`;
  if (status === 401 || status === 403)
    return `${answered}: it gives the file to some only. Fetch it yourself, and give loadModel its bytes.`;
  if (status === 404 || status === 410) return `${answered}: there is no such file.`;
  if (status === 429 || status >= 500) return `${answered}: try again later.`;
  return `${answered}.`;
}

/** Browsers keep the reason to themselves; Node has it as the cause. */
function reasonOf(error: unknown): string {
  const { code } = ((error as Error).cause ?? {}) as { code?: string | undefined };
  return code === undefined ? ', or does not let this page read the file' : `: ${code}`;
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (subtle === undefined) throw new DotbiasError('A SHA-256 can be checked in a page of https or of localhost only.');
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
