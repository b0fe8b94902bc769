import { defaultFiles, inputFiles } from '../../node/ratings/input-files.js';
import type { SourceFlags } from './data.js';
import type { NamedFiles } from './outputs.js';

/** The files that ratings may be read from, by the flag that names them. */
export async function inputsOf({ data, trainFile, validFile }: SourceFlags): Promise<NamedFiles> {
  const files = async (source: string | undefined) => (source === undefined ? [] : inputFiles(source));
  return {
    '--data': await files(data),
    '--train-file': await files(trainFile),
    '--valid-file': await files(validFile),
    'MovieLens-100K,': data === undefined && trainFile === undefined ? await defaultFiles() : [],
  };
}
