/** By what a model is known again. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { CollabModel } from '../../answer/collab-model.js';
import { fingerprint } from '../../base/fingerprint.js';
import { type ModelShape, parameterBytes, type Tables } from '../../model/layout.js';
import { hashOfFile } from '../disk/hashes.js';
import { MAX_FILE_BYTES } from './model-file.js';

/** Hashes of a model, and of the file that it was saved in. */
export interface ModelHashes {
  /** Fingerprint of all parameters, by their bits: user and item factors, user and item biases. */
  parameters: string;
  /** The name of the file, and its SHA-256; of a model in a folder, of its index. */
  file?: string | undefined;
  sha256?: string | undefined;
  /** Whether the file holds the training ratings. */
  ratings?: boolean | undefined;
}

/** Whether all parameters can be read at once, to be hashed. */
export const canHash = (shape: ModelShape): boolean => parameterBytes(shape) <= MAX_FILE_BYTES;

/** The file that a model was saved in; of a model in a folder, its index. */
export interface SavedAs {
  path: string;
  /** Whether it holds the training ratings. */
  ratings: boolean;
}

/**
 * Hashes of a model; of one on several ranks every rank calls it, and rank 0 alone gets them.
 *
 * @param saved the file that the model was saved in, if it was: one that is no file, such as /dev/stdout, has no hash
 * @throws the file system's error
 */
export async function modelHashes({ embeddings }: CollabModel, saved?: SavedAs): Promise<ModelHashes | undefined> {
  const tables = await embeddings.gatherTables();
  if (tables === undefined) return undefined;
  const parameters = tablesFingerprint(tables);
  if (saved === undefined || !(await stat(saved.path)).isFile()) return { parameters };
  return { parameters, file: basename(saved.path), sha256: await hashOfFile(saved.path), ratings: saved.ratings };
}

/** Fingerprint of all parameters. */
export function tablesFingerprint({ userFactors, itemFactors, userBias, itemBias }: Tables): string {
  return fingerprint(userFactors, itemFactors, userBias, itemBias);
}
