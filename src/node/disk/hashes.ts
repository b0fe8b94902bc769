/** Hashes of the files in a folder of the cache, kept beside them, by which damage is found. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../base/json.js';

const FILE = 'sha256.json';

/** The SHA-256 of some bytes, in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** As `sha256`, of a file, or `md5`, piece by piece. @throws the file system's error */
export async function hashOfFile(path: string, algorithm: 'sha256' | 'md5' = 'sha256', signal?: AbortSignal): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Writes the hashes of files, by name, to their folder. @throws the file system's error */
export async function writeHashes(folder: string, hashes: Iterable<readonly [name: string, hash: string]>): Promise<void> {
  await writeFile(join(folder, FILE), JSON.stringify(Object.fromEntries(hashes)), { mode: 0o600 });
}

/** The hashes that `writeHashes` wrote, by name; none if they cannot be read. */
export async function readHashes(folder: string): Promise<Record<string, unknown>> {
  try {
    const hashes: unknown = JSON.parse(await readFile(join(folder, FILE), 'utf8'));
    return isObject(hashes) ? hashes : {};
  } catch {
    return {};
  }
}
