/** Hashes of the files in a folder of the cache, kept beside them, by which damage is found. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../../base/json.js';

const FILE = 'sha256.json';

/** The SHA-256 of some bytes, in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes the hashes of files, by name, to their folder. @throws the file system's error */
export async function writeHashes(folder: string, files: Iterable<readonly [name: string, content: Uint8Array]>): Promise<void> {
  const hashes = Object.fromEntries(Array.from(files, ([name, content]) => [name, sha256(content)]));
  await writeFile(join(folder, FILE), JSON.stringify(hashes), { mode: 0o600 });
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
