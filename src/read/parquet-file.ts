/** Columns of Parquet files, which hyparquet reads. This module is loaded only when a file of that kind comes. */
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetScan, parquetSchema, type SchemaTree } from 'hyparquet';
import { clip } from '../base/check.js';
import { DataError } from '../base/errors.js';
import type { Bytes } from './bytes.js';

/** A column of the schema. */
export type ParquetColumn = SchemaTree;

/** Consecutive rows of some columns. */
export interface RowGroup {
  /** The rows are those from `begin` to `end - 1` of the file. */
  begin: number;
  end: number;
  /** By column, in the order asked for: typed arrays where all values are numbers of one kind. */
  columns: ArrayLike<unknown>[];
  /** Bytes of the columns up to here and in all, packed. */
  packed: number;
  total: number;
}

/** The most rows of a group, which are in memory at once. */
const MAX_GROUP = 2 ** 26;
/** Codecs that hyparquet itself unpacks. */
const PLAIN_CODECS = ['UNCOMPRESSED', 'SNAPPY'];
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Times become seconds since 1970; a text keeps a byte order mark, which is its first character. */
const PARSERS = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
  timestampFromMilliseconds: (time: bigint) => Number(time) / 1e3,
  timestampFromMicroseconds: (time: bigint) => Number(time) / 1e6,
  timestampFromNanoseconds: (time: bigint) => Number(time) / 1e9,
  dateFromDays: (days: number) => days * 86_400,
};

/** A Parquet file, of which the end has been read. */
export class ParquetFile {
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;

  private constructor(
    /** What messages call it. */
    readonly label: string,
    readonly columns: readonly ParquetColumn[],
    file: AsyncBuffer,
    metadata: FileMetaData,
  ) {
    this.#file = file;
    this.#metadata = metadata;
  }

  get nRows(): number {
    return Number(this.#metadata.num_rows);
  }

  /** Reads what the file says of itself at its end. @throws DataError if it is none, damaged or cut short */
  static async open(bytes: Bytes, label: string): Promise<ParquetFile> {
    const file = { byteLength: bytes.size, slice: (start: number, end = bytes.size) => sliceOf(bytes, start, end) };
    const { metadata, columns } = await readable(readFooter(file), label);
    return new ParquetFile(label, columns, file, metadata);
  }

  /**
   * The rows of a file, one row group after the other, and of these only the columns that are named.
   *
   * @param first those of row groups before this row are passed over, and ...
   * @param end ... from this row on
   * @throws DataError if the file is damaged, or packed in a way that is not read
   */
  async *groups(names: readonly string[], first = 0, end = this.nRows): AsyncGenerator<RowGroup> {
    const [file, metadata] = [this.#file, this.#metadata];
    const sizes = groupSizes(metadata, names);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const compressors = await compressorsFor(metadata, this.label);
    const columns = [...new Set(names)];
    const scan = await readable(parquetScan({ file, metadata, columns, parsers: PARSERS, geoparquet: false, ...compressors }), this.label);
    let packed = 0;
    for (const [k, { rowStart, rowEnd }] of scan.ranges.entries()) {
      packed += sizes[k];
      if (rowEnd <= first || rowStart >= end) continue;
      if (rowEnd - rowStart > MAX_GROUP) {
        throw new DataError(`A row group of ${rowEnd - rowStart} rows does not fit into memory; write smaller ones.`, { file: this.label });
      }
      const group = await readable(Promise.all(names.map((column) => scan.readColumn({ column, rowStart, rowEnd }))), this.label);
      if (group.some(({ length }) => length !== rowEnd - rowStart)) throw damaged(this.label);
      yield { begin: rowStart, end: rowEnd, columns: group, packed, total };
    }
  }
}

async function readFooter(file: AsyncBuffer): Promise<{ metadata: FileMetaData; columns: SchemaTree[] }> {
  const metadata = await parquetMetadataAsync(file, { parsers: PARSERS, geoparquet: false });
  const columns = parquetSchema(metadata).children;
  const nRows = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (nRows !== metadata.num_rows) throw new RangeError('a row group is missing');
  if (columns.some(({ element }) => typeof element.name !== 'string')) throw new TypeError('a column has no name');
  return { metadata, columns };
}

/** A part of the file. Several may be asked for at once, and only the first that fails is waited for. */
function sliceOf(bytes: Bytes, start: number, end: number): Promise<ArrayBuffer> {
  const part = bufferOf(bytes, start, end);
  part.catch(() => undefined);
  return part;
}

async function bufferOf(bytes: Bytes, start: number, end: number): Promise<ArrayBuffer> {
  if (!(start >= 0 && start <= end && end <= bytes.size)) throw new RangeError('it is cut short');
  const part = await bytes.slice(start, end);
  const isWhole = part.byteLength === part.buffer.byteLength && part.buffer instanceof ArrayBuffer;
  return isWhole ? (part.buffer as ArrayBuffer) : new Uint8Array(part).buffer;
}

/** Bytes of the columns in each row group, packed. */
function groupSizes({ row_groups: groups }: FileMetaData, names: readonly string[]): number[] {
  return groups.map(({ columns }) => {
    const needed = columns.filter(({ meta_data: data }) => names.includes(data?.path_in_schema[0] ?? ''));
    return needed.reduce((sum, { meta_data: data }) => sum + Number(data!.total_compressed_size), 0);
  });
}

/** What unpacks the codecs of a file, if hyparquet itself does not. */
async function compressorsFor({ row_groups: groups }: FileMetaData, label: string): Promise<object> {
  const codecs = new Set(groups.flatMap(({ columns }) => columns.map(({ meta_data: data }) => data?.codec ?? 'UNCOMPRESSED')));
  if ([...codecs].every((codec) => PLAIN_CODECS.includes(codec))) return {};
  const { compressors } = await import('hyparquet-compressors');
  const unknown = [...codecs].find((codec) => codec !== 'UNCOMPRESSED' && !(codec in compressors));
  if (unknown !== undefined) throw new DataError(`Its pages are packed by ${clip(String(unknown))}, which is not read.`, { file: label });
  return { compressors };
}

/** What hyparquet gives; where it fails, the file is at fault. */
async function readable<T>(result: Promise<T>, label: string): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof DataError) throw error;
    // Bytes that make no sense end in errors of the language, whose words are about hyparquet.
    if (error instanceof TypeError || error instanceof RangeError) throw damaged(label, error);
    const reason = clip((error as Error).message.split('\n', 1)[0].replace(/\.$/, ''));
    throw new DataError(`The Parquet file cannot be read: ${reason}.`, { file: label }, { cause: error });
  }
}

function damaged(label: string, cause?: unknown): DataError {
  return new DataError('The Parquet file is damaged or cut short.', { file: label }, { cause });
}
