import type { IncomingMessage } from 'node:http';
import { parseJson } from '../../base/json.js';
import { HttpError } from './http-error.js';

/** The most that a body may have: bytes, and values of all kinds. */
export interface BodyLimits {
  maxBytes: number;
  maxValues: number;
}

/**
 * The JSON value that a request has as its body.
 * @throws HttpError for a body that is none, of another type, or too large; what is left of it is read and forgotten
 */
export async function readJson(request: IncomingMessage, { maxBytes, maxValues }: BodyLimits): Promise<unknown> {
  const { 'content-type': type = 'application/json', 'content-encoding': encoding = 'identity' } = request.headers;
  if (!/^application\/json *(;|$)/i.test(type)) throw new HttpError(415, `The body must be application/json, not ${type}.`);
  if (encoding !== 'identity') throw new HttpError(415, `The body must not be encoded; it is ${encoding}.`);
  const bytes = await readBytes(request, maxBytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, 'The body is not UTF-8.');
  }
  try {
    return parseJson(text, { maxDepth: 8, maxValues });
  } catch (error) {
    throw new HttpError(400, `The body ${(error as Error).message}.`);
  }
}

function readBytes(request: IncomingMessage, most: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    // Without a listener, Node reads what is left of the body and forgets it once the request has been answered.
    const refuse = () => reject(new HttpError(413, `The body is larger than ${most} bytes, the most that there may be.`));
    if (Number(request.headers['content-length']) > most) return refuse();
    request.on('data', (chunk: Uint8Array) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else if (chunks.splice(0).length >= 0) refuse();
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => reject(new HttpError(400, 'The request ended before its body did.')));
  });
}
