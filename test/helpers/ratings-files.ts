/** Files of ratings, well-formed and not. */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/base/errors.js';
import { readRatings, type ReadRatingsOptions } from '../../src/node/ratings/ratings-file.js';
import type { RatingsFile } from '../../src/read/ratings-file.js';

export const folder = await mkdtemp(join(tmpdir(), 'dotbias-test-'));
process.once('exit', () => rmSync(folder, { recursive: true }));

export async function put(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

export function rows({ columns: { users, items, ratings, timestamps } }: Pick<RatingsFile, 'columns'>): unknown[][] {
  return Array.from(ratings, (rating, k) => [users[k], items[k], rating, ...(timestamps ? [timestamps[k]] : [])]);
}

export const read = async (name: string, content: string | Uint8Array, options?: ReadRatingsOptions): Promise<unknown[][]> =>
  rows(await readRatings(await put(name, content), options));

export async function fails(
  source: string | string[],
  options: ReadRatingsOptions,
  expected: { message: RegExp; line?: number; column?: string; value?: string },
): Promise<void> {
  try {
    await readRatings(source, options);
  } catch (error) {
    assert.instance(error, DataError, String(error));
    const { message, line, column, value } = error as DataError;
    assert.match(message, expected.message);
    if ('line' in expected) assert.is(line, expected.line, message);
    if ('column' in expected) assert.is(column, expected.column, message);
    if ('value' in expected) assert.is(value, expected.value, message);
    return;
  }
  assert.unreachable(`no error for ${source}`);
}

export const refuse = async (
  content: string | Uint8Array,
  expected: Parameters<typeof fails>[2],
  options: ReadRatingsOptions = {},
): Promise<void> => fails(await put('refused.txt', content), options, expected);
