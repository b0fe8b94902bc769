import { type Command, Option } from 'commander';
import { exportFiles, EXPORT_ENDINGS, exportModel } from '../../node/export/export-model.js';
import { readModelFile } from '../../node/files/model-file.js';
import { checkFiles } from '../options/outputs.js';
import { UsageError } from '../process/errors.js';
import { print } from '../process/terminal.js';

interface ExportFlags {
  model: string;
  out: string;
  side?: 'items' | 'users' | undefined;
}

/** Adds `dotbias export`. */
export function addExport(program: Command): void {
  program
    .command('export')
    .summary('write vectors, or a model as ONNX, for other programs')
    .description(
      'Writes the vectors, biases, ids and titles of a side as Parquet, as a matrix of NumPy or as TSV for the Embedding Projector, ' +
        'or the model as ONNX. docs/export.md says what is in the files.',
    )
    .requiredOption('--model <file>', "a model that 'dotbias train --out' or 'dotbias import' wrote")
    .requiredOption('--out <file>', `the file to write, as its name ends: ${EXPORT_ENDINGS.join(', ')}`)
    .addOption(new Option('--side <side>', 'whose vectors (default: items)').choices(['items', 'users']))
    .action(exportTo);
}

async function exportTo({ model: file, out, side }: ExportFlags): Promise<void> {
  const files = exportFiles(out);
  if (files.at(-1)!.toLowerCase().endsWith('.onnx') && side !== undefined) {
    throw new UsageError('--side is for vectors: ONNX has both sides of a model.');
  }
  await checkFiles({ reads: { '--model': file }, writes: { '--out': files } });
  const written = await exportModel(await readModelFile(file), out, { side });
  print(`Written: ${written.join(', ')}`);
}
