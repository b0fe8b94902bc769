import { DataError } from '../../base/errors.js';
import { type JsonLimits, parseJson } from '../../base/json.js';
import { readTextFile } from '../../node/disk/read-file.js';

/** The value of a JSON file. @throws DataError, which names the file, for what is no JSON or beyond the limits; the file system's error */
export async function readJsonFile(file: string, limits: JsonLimits): Promise<unknown> {
  const text = await readTextFile(file);
  try {
    return parseJson(text, limits);
  } catch (cause) {
    const { message, cause: reason } = cause as Error;
    throw new DataError(`This ${message}${reason instanceof Error ? `: ${reason.message}` : ''}.`, { file }, { cause });
  }
}
