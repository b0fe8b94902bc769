import { FileFormatError } from '../../base/errors.js';
import { PREFIX_BYTES } from '../../base/safetensors-format.js';
import { checkHead, headBytes } from '../../base/safetensors-read.js';
import { readBytes } from '../disk/read-file.js';

/** A file of this size is read as a whole; of a larger one the header first, so that nonsense of many GiB is refused at once. */
const SMALL = 2 ** 24;

/**
 * Reads and decodes a safetensors file.
 *
 * @param remedy a sentence for a file that does not exist: what to do
 * @throws FileFormatError, which names the file, for what `decode` refuses or that is no safetensors file; as `readBytes`
 */
export async function readSavedFile<T>(path: string, decode: (bytes: Uint8Array) => T, remedy: string): Promise<T> {
  const bytes = await readBytes(path, remedy, async (head, nBytes) => {
    if (nBytes <= SMALL) return;
    const end = inFile(path, (prefix) => headBytes(prefix, nBytes), await head(PREFIX_BYTES));
    inFile(path, (begin) => checkHead(begin, nBytes), await head(end));
  });
  return inFile(path, decode, bytes);
}

/** Puts the name of the file before what is wrong with its content. */
export function inFile<Content, Result>(path: string, read: (content: Content) => Result, content: Content): Result {
  try {
    return read(content);
  } catch (error) {
    if (error instanceof FileFormatError) throw new FileFormatError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
