import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { writeFileAtomic } from '../../node/disk/files.js';
import { tablesFingerprint } from '../../node/files/model-hashes.js';
import { readModelFile } from '../../node/files/model-file.js';
import { checkFiles } from '../options/outputs.js';
import { readReport } from '../options/report-file.js';
import { modelCard } from '../print/model-card.js';
import { UsageError } from '../process/errors.js';
import { note, print } from '../process/terminal.js';

interface CardFlags {
  model: string;
  report?: string | undefined;
  out: string;
}

/** Adds `dotbias card`. */
export function addCard(program: Command): void {
  program
    .command('card')
    .summary('write a model card')
    .description(
      'Writes a README.md to share a model with: data, protocol, scores, licence of the data, limits, and how to load it, with the ' +
        'front matter of the Hugging Face hub. What neither the model nor the report says, the card says is not known.',
    )
    .requiredOption('--model <file>', "a model that 'dotbias train --out' or 'dotbias import' wrote")
    .option('--report <file.json>', "what 'dotbias train --report' wrote of the run that made it")
    .requiredOption('--out <file>', 'the card to write, README.md')
    .action(card);
}

async function card({ model: path, report: reportFile, out }: CardFlags): Promise<void> {
  await checkFiles({ reads: { '--model': path, '--report': reportFile }, writes: { '--out': out } });
  const model = await readModelFile(path);
  const report = reportFile === undefined ? undefined : await readReport(reportFile);
  if (report !== undefined && report.model?.parameters !== tablesFingerprint(model.tables)) {
    const why = report.model === undefined ? 'does not say which model came of its run' : `is of another model than that in ${path}`;
    throw new UsageError(`--report ${reportFile} ${why}.`);
  }
  await writeFileAtomic(out, modelCard({ model, report, file: await nameOf(path) }));
  print(`Card written to ${out}`);
  if (model.train !== undefined) {
    note(`${path} holds the training ratings, which are personal data: share one that was trained with --no-ratings.`);
  }
}

/** What the model is called in its own folder: of one in several files, the folder. */
async function nameOf(path: string): Promise<string> {
  return (await stat(path)).isDirectory() ? './' : basename(path);
}
