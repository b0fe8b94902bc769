/** Reads tar archives that are already in memory. */

const blockSize = 512;

/**
 * The plain files of a tar archive by name, without copying; folders, links and extension records are left out.
 * Format: POSIX.1-1988 ustar. Each member is a 512-byte header (name at 0, size in octal at 124, type at 156, name
 * prefix at 345), then its content, filled up to whole blocks.
 *
 * @throws RangeError if the archive ends inside a file.
 */
export function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (from: number, length: number) => new TextDecoder().decode(archive.subarray(from, from + length)).replace(/\0.*/s, '');
  for (let at = 0; at + blockSize <= archive.length && archive[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8) || 0;
    const type = text(at + 156, 1);
    const name = [text(at + 345, 155), text(at, 100)].filter(Boolean).join('/').replace(/^\.\//, '');
    const content = at + blockSize;
    if (content + size > archive.length) throw new RangeError(`The tar archive ends inside ${name}.`);
    if (type === '0' || type === '') files.set(name, archive.subarray(content, content + size));
    at = content + Math.ceil(size / blockSize) * blockSize;
  }
  return files;
}
