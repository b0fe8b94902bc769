/** Tables as Parquet, which hyparquet-writer writes: each block becomes row groups, and is forgotten. */
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Block, Column } from './columns.js';

type Element = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];
type Data = Parameters<ParquetWriter['write']>[0]['columnData'][number]['data'];

/** Rows of a group; a reader has one in memory. */
const ROWS_PER_GROUP = 2 ** 17;

export async function* parquetPieces(columns: readonly Column[], blocks: AsyncIterable<Block>): AsyncGenerator<Uint8Array> {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema: schemaOf(columns), createdBy: 'dotbias' });
  for await (const block of blocks) {
    const columnData = columns.map(({ name, kind }, k) => ({ name, data: dataOf(kind, block[k]) }));
    await parquet.write({ columnData, rowGroupSize: ROWS_PER_GROUP });
    yield taken(writer);
  }
  await parquet.finish();
  yield taken(writer);
}

/** What has been written so far; the writer begins anew, at the same place of the file. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice();
  writer.index = 0;
  return bytes;
}

function schemaOf(columns: readonly Column[]): Element[] {
  return [{ name: 'root', num_children: columns.length }, ...columns.flatMap(elementsOf)];
}

function elementsOf({ name, kind }: Column): Element[] {
  const required = { name, repetition_type: 'REQUIRED' } as const;
  if (kind === 'whole') return [{ ...required, type: 'INT64' }];
  if (kind === 'rank') return [{ ...required, type: 'INT32' }];
  if (kind === 'float') return [{ ...required, type: 'FLOAT' }];
  if (kind === 'text') return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }];
  return [
    { ...required, converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
  ];
}

function dataOf(kind: Column['kind'], values: ArrayLike<unknown>): Data {
  if (kind === 'whole') return BigInt64Array.from(values as ArrayLike<number>, BigInt);
  if (kind === 'rank') return Int32Array.from(values as ArrayLike<number>);
  if (kind === 'float') return Float32Array.from(values as ArrayLike<number>);
  if (kind === 'text') return Array.from(values);
  return Array.from(values as ArrayLike<Float32Array>, (vector) => Array.from(vector));
}
