/** Downloads a file, with bounds on what is waited for and what is taken. */
import { createWriteStream } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { DataError } from '../../base/errors.js';

/** How long a download may take, and who is told of it. */
export interface TransferOptions {
  /** Called as bytes arrive, with the bytes so far and in total; `total` is undefined if the server does not say. */
  onProgress?: ((bytes: number, total: number | undefined) => void) | undefined;
  /** Aborts the download, which then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds to wait for the server's answer. Default 3000. */
  connectTimeout?: number | undefined;
  /** Milliseconds without a byte after which the download is given up. Default 15,000. */
  stallTimeout?: number | undefined;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Streams `url` into a file.
 *
 * @param what is downloaded and how long that is, for messages
 * @param most bytes that are taken from the server
 * @throws DataError if the server cannot be reached, stalls, or sends something else or too much; the signal's reason if it
 *   is aborted
 */
export async function download(url: string, path: string, what: string, most: number, options: TransferOptions): Promise<void> {
  const { onProgress, signal, connectTimeout = 3000, stallTimeout = 15_000 } = options;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const giveUp = (reason: string): void => controller.abort(new DataError(reason, { file: url }));
  const onAbort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  let timer = setTimeout(() => giveUp(`The server did not answer within ${connectTimeout / 1000} s.`), connectTimeout);
  const restart = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => giveUp(`The download stalled: no data for ${stallTimeout / 1000} s.`), stallTimeout);
  };
  const tooLong = (): DataError =>
    new DataError(`The server sends more than ${most} bytes, and ${what}. The download was stopped.`, { file: url });
  try {
    const response = await follow(url, controller.signal);
    if (response.statusCode !== 200) {
      response.destroy();
      throw new DataError(`The server answered with status ${response.statusCode}.`, { file: url });
    }
    const length = Number(response.headers['content-length']);
    const total = length > 0 ? length : undefined;
    if (length > most) {
      response.destroy();
      throw tooLong();
    }
    let bytes = 0;
    restart();
    const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        restart();
        bytes += chunk.length;
        if (bytes > most) throw tooLong();
        onProgress?.(bytes, total);
        yield chunk;
      }
    };
    await pipeline(response, count, createWriteStream(path), { signal: controller.signal });
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    if (error instanceof DataError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DataError(`The download failed: ${code ?? message}.`, { file: url }, { cause: error });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The answer to a request, after redirections: within one server, or to https. */
async function follow(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  for (let at = url, hops = 0; ; hops++) {
    const response = await get(at, signal);
    const { location } = response.headers;
    if (location === undefined || !REDIRECTS.includes(response.statusCode!)) return response;
    response.destroy();
    const next = parseUrl(location, at);
    const { protocol, host } = new URL(at);
    if (next === null || !(next.protocol === 'https:' || (next.protocol === protocol && next.host === host))) {
      throw new DataError(`The server redirects to ${location}, which is neither https nor on the same server.`, { file: url });
    }
    if (hops === MAX_REDIRECTS) throw new DataError(`The server redirects more than ${MAX_REDIRECTS} times.`, { file: url });
    at = next.href;
  }
}

function parseUrl(text: string, base: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

function get(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { signal }, resolve).on('error', reject).end();
  });
}
