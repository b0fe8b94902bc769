/**
 * Zip archives, by the directory at their end. A file in one is the inside of a gzip file: with gzip's header before and its
 * trailer behind it, the platform unpacks it and checks its CRC-32 and its size, which no small library for zip does.
 * Layout: APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (ends, Zip64).
 */
import { DataError } from '../base/errors.js';
import { type Bytes, chunksOf, type ReadWatch, watched } from './bytes.js';

/** A file in an archive. */
export interface ZipEntry {
  /** Its name, with the folders it is in. */
  name: string;
  /** Bytes that it has, as the archive says. */
  size: number;
  /** The file as a gzip file. @throws DataError if it is encrypted, or packed otherwise than by deflate */
  gzip(watch?: ReadWatch): AsyncIterable<Uint8Array>;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const END_64_LOCATOR = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** Sizes of these records without their names and comments. */
const [END_SIZE, END_64_SIZE, LOCATOR_SIZE, ENTRY_SIZE, LOCAL_SIZE] = [22, 56, 20, 46, 30];
/** The most bytes of a directory: some hundred thousand files. */
const MAX_DIRECTORY = 2 ** 26;
const STORED = 0;
const DEFLATED = 8;
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, DEFLATED, 0, 0, 0, 0, 0, 0, 255);
/** The most bytes of a block that deflate stores as they are. */
const MAX_BLOCK = 0xffff;

/** The files of an archive; folders are none. @throws DataError if it is damaged, or a part of an archive */
export async function zipEntries(bytes: Bytes, label: string): Promise<ZipEntry[]> {
  const damaged = (): DataError => new DataError('The zip archive is damaged or cut short.', { file: label });
  const viewOf = async (start: number, size: number): Promise<DataView> => {
    if (!(start >= 0 && size >= 0 && start + size <= bytes.size)) throw damaged();
    const { buffer, byteOffset, length } = await bytes.slice(start, start + size);
    return new DataView(buffer, byteOffset, length);
  };
  const { start, size, count } = await findDirectory(bytes.size, viewOf, damaged);
  if (size > MAX_DIRECTORY) throw new DataError('The zip archive holds too many files.', { file: label });
  const directory = await viewOf(start, size);
  const entries: ZipEntry[] = [];
  for (let at = 0, k = 0; k < count; k++) {
    if (at + ENTRY_SIZE > size || directory.getUint32(at, true) !== ENTRY) throw damaged();
    const [nameSize, extraSize, commentSize] = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
    const next = at + ENTRY_SIZE + nameSize + extraSize + commentSize;
    if (next > size) throw damaged();
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, directory.byteOffset + at + ENTRY_SIZE, nameSize));
    const [flags, method] = [8, 10].map((field) => directory.getUint16(at + field, true));
    const crc = directory.getUint32(at + 16, true);
    const extra = new DataView(directory.buffer, directory.byteOffset + at + ENTRY_SIZE + nameSize, extraSize);
    const [fullSize, packedSize, offset] = wideFields(
      [24, 20, 42].map((field) => directory.getUint32(at + field, true)),
      extra,
    );
    const gzip = async function* (watch: ReadWatch = {}): AsyncGenerator<Uint8Array> {
      const file = `${label}/${name}`;
      if (flags & 1) throw new DataError('This file is encrypted; unpack it with its password first.', { file });
      if (method !== STORED && method !== DEFLATED) {
        throw new DataError(`This file is packed by method ${method} of zip, which is not read; unpack it first.`, { file });
      }
      const local = await viewOf(offset, LOCAL_SIZE);
      if (local.getUint32(0, true) !== LOCAL) throw damaged();
      const from = offset + LOCAL_SIZE + local.getUint16(26, true) + local.getUint16(28, true);
      if (from + packedSize > bytes.size) throw damaged();
      yield GZIP_HEADER;
      const chunks = watched(chunksOf(bytes, from, from + packedSize), packedSize, watch);
      yield* method === DEFLATED ? chunks : storedBlocks(chunks);
      const trailer = new DataView(new ArrayBuffer(8));
      trailer.setUint32(0, crc, true);
      trailer.setUint32(4, fullSize % 2 ** 32, true);
      yield new Uint8Array(trailer.buffer);
    };
    if (!name.endsWith('/')) entries.push({ name, size: fullSize, gzip });
    at = next;
  }
  return entries;
}

/** Where the directory lies. */
async function findDirectory(
  size: number,
  viewOf: (start: number, size: number) => Promise<DataView>,
  damaged: () => DataError,
): Promise<{ start: number; size: number; count: number }> {
  const tailStart = Math.max(0, size - END_SIZE - 0xffff); // a comment may follow
  const tail = await viewOf(tailStart, size - tailStart);
  let at = tail.byteLength - END_SIZE;
  while (at >= 0 && !(tail.getUint32(at, true) === END && at + END_SIZE + tail.getUint16(at + 20, true) === tail.byteLength)) at--;
  if (at < 0) throw damaged();
  const found = { count: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), start: tail.getUint32(at + 16, true) };
  if (found.count < 0xffff && found.size < 0xffffffff && found.start < 0xffffffff) return found;
  const locator = await viewOf(tailStart + at - LOCATOR_SIZE, LOCATOR_SIZE);
  if (locator.getUint32(0, true) !== END_64_LOCATOR) return found;
  const end = await viewOf(wide(locator, 8), END_64_SIZE);
  if (end.getUint32(0, true) !== END_64) throw damaged();
  return { count: wide(end, 32), size: wide(end, 40), start: wide(end, 48) };
}

/** A number of 8 bytes. Those above 2^53 are rounded, and beyond any file. */
const wide = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** Numbers of 4 bytes; those that are all ones stand, in this order, in the field 1 (Zip64) of the extra ones. */
function wideFields(values: readonly number[], extra: DataView): number[] {
  let [at, end] = [0, 0];
  for (let field = 0; field + 4 <= extra.byteLength; field += 4 + extra.getUint16(field + 2, true)) {
    if (extra.getUint16(field, true) === 1)
      [at, end] = [field + 4, Math.min(extra.byteLength, field + 4 + extra.getUint16(field + 2, true))];
  }
  return values.map((value) => {
    if (value !== 0xffffffff || at + 8 > end) return value;
    at += 8;
    return wide(extra, at - 8);
  });
}

/** Bytes as deflate writes what it does not compress (RFC 1951, 3.2.4): blocks with their size and its complement. */
async function* storedBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const header = (size: number, isLast: boolean): Uint8Array =>
    Uint8Array.of(isLast ? 1 : 0, size & 0xff, size >> 8, ~size & 0xff, (~size >> 8) & 0xff);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += MAX_BLOCK) {
      const block = chunk.subarray(at, at + MAX_BLOCK);
      yield header(block.length, false);
      yield block;
    }
  }
  yield header(0, true);
}
