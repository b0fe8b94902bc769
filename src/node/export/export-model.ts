import { extname } from 'node:path';
import { CollabModel } from '../../answer/collab-model.js';
import { checkChoice, checkOptions } from '../../base/check.js';
import { checkValues, type DecodedModel } from '../../files/model-file.js';
import { writeFileAtomic } from '../disk/files.js';
import { checkEnding, writeTable } from './table.js';
import { SideVectors } from './vectors.js';

/** What `exportModel` writes. */
export interface ExportOptions {
  /** Whose vectors. Default `'items'`. ONNX has both sides. */
  side?: 'items' | 'users' | undefined;
}

/** What the name of an export ends with. */
export const EXPORT_ENDINGS: readonly string[] = ['.parquet', '.npy', '.tsv', '.onnx'];

/** The files of an export, `path` last: what is beside it has its name and an ending of its own. @throws RangeError for an ending */
export function exportFiles(path: string): string[] {
  const beside: Record<string, string[]> = { '.npy': ['ids.csv'], '.tsv': ['metadata.tsv'], '.onnx': ['users.csv', 'items.csv'] };
  const ending = checkEnding(path, EXPORT_ENDINGS);
  const stem = path.slice(0, -extname(path).length);
  return [...(beside[ending] ?? []).map((end) => `${stem}.${end}`), path];
}

/**
 * Writes a model for other programs, in the format that the name of the file ends with; docs/export.md says what is in them.
 *
 *     .parquet   a side's ids, titles, biases and vectors
 *     .npy       a matrix [n, nFactors + 2] of float32 whose rows are (vector, bias, 1) of items and (vector, 1, bias) of users, so that
 *                the product of both is the raw score; [n, nFactors] without biases. NAME.ids.csv beside it has a line for each row
 *     .tsv       vectors for the Embedding Projector; NAME.metadata.tsv beside it has ids, titles and biases
 *     .onnx      `predict`: user, item int64 [n] (table rows) -> prediction float [n]; NAME.users.csv and NAME.items.csv have ids by row
 *
 * The row of `#na#` is in ONNX alone.
 *
 * @returns the files, each written whole or not at all
 * @throws RangeError for another ending, or a model that is too large for ONNX; TypeError for a score or a range that ONNX is not written
 *   for; DotbiasError if a value of the model is not finite; the file system's error
 */
export async function exportModel(model: CollabModel | DecodedModel, path: string, options: ExportOptions = {}): Promise<string[]> {
  checkOptions('exportModel', options, ['side']);
  const { side = 'items' } = options;
  checkChoice('side', side, ['items', 'users']);
  const files = exportFiles(path);
  if (extname(path).toLowerCase() === '.onnx' && options.side !== undefined) {
    throw new TypeError('ONNX has both sides of a model: leave side out.');
  }
  const content = model instanceof CollabModel ? await contentOf(model) : model;
  checkValues(Object.fromEntries(Object.entries(content.tables).map(([name, data]) => [name, { data }])));
  await write(content, side, files);
  return files;
}

async function contentOf({ info, embeddings }: CollabModel): Promise<DecodedModel> {
  return { ...info, shape: embeddings.shape, tables: await embeddings.readTables(), training: {} };
}

async function write(model: DecodedModel, side: 'items' | 'users', files: readonly string[]): Promise<void> {
  const path = files.at(-1)!;
  const vectors = new SideVectors(model, side);
  switch (extname(path).toLowerCase()) {
    case '.parquet':
      return writeTable(path, [...vectors.columns, { name: 'vector', kind: 'vector' }], vectors.blocks());
    case '.npy':
      await writeNames(files[0], vectors, 0);
      return writeFileAtomic(path, vectors.matrix());
    case '.tsv':
      await writeFileAtomic(files[0], vectors.metadata());
      return writeFileAtomic(path, vectors.lines());
    default: {
      const pieces = (await import('./onnx.js')).onnxPieces(model);
      await writeNames(files[0], new SideVectors(model, 'users'), 1);
      await writeNames(files[1], new SideVectors(model, 'items'), 1);
      return writeFileAtomic(path, pieces);
    }
  }
}

/** The ids and titles of rows that are counted from `first`. */
function writeNames(path: string, vectors: SideVectors, first: number): Promise<void> {
  const columns = vectors.columns.filter(({ name }) => name !== 'bias');
  async function* blocks() {
    let row = first;
    for await (const block of vectors.blocks()) yield [Array.from(block[0], () => row++), ...block.slice(0, columns.length)];
  }
  return writeTable(path, [{ name: 'row', kind: 'whole' }, ...columns], blocks());
}
