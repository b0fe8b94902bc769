import { type Command, Option } from 'commander';
import { thousands } from '../../base/count.js';
import { FileFormatError } from '../../base/errors.js';
import { parseJson } from '../../base/json.js';
import { readSafetensors } from '../../base/safetensors.js';
import { importWeights } from '../../files/import-weights.js';
import { writeModel } from '../../files/model-file.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { readTextFile } from '../../node/disk/read-file.js';
import { inFile, readSavedFile } from '../../node/files/saved-file.js';
import { rangeOrNone } from '../options/numbers.js';
import { checkFiles } from '../options/outputs.js';
import { print } from '../process/terminal.js';

interface ImportFlags {
  users: string;
  items: string;
  yRange: [lo: number, hi: number] | 'none';
  out: string;
}

/** Adds `dotbias import`. */
export function addImport(program: Command): void {
  program
    .command('import <state.safetensors>')
    .summary('make a model of weights trained with fastai')
    .description(
      "Makes a model file of a state dict of fastai's EmbeddingDotBias, written as safetensors, and its class lists. " +
        'docs/import-from-fastai.md has the lines of Python that write them.',
    )
    .requiredOption('--users <file.json>', "the list of user ids, '#na#' first")
    .requiredOption('--items <file.json>', "the list of item ids, '#na#' first")
    .addOption(
      new Option('--y-range <lo,hi>', "the y_range that the model was made with, or 'none'").argParser(rangeOrNone).makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'the model file to write')
    .action(importModel);
}

async function importModel(path: string, { users, items, yRange, out }: ImportFlags): Promise<void> {
  await checkFiles({ reads: { '': path, '--users': users, '--items': items }, writes: { '--out': out } });
  const { tensors } = await readSavedFile(path, readSafetensors, 'docs/import-from-fastai.md has the lines of Python that write it.');
  const lists = { users: await readList(users), items: await readList(items) };
  const model = inFile(path, (state) => importWeights(state, { ...lists, yRange: yRange === 'none' ? null : yRange }), tensors);
  await writeFileAtomic(out, writeModel(model));
  const { nUsers, nItems, nFactors } = model.shape;
  print(`Model of ${thousands(nUsers - 1)} users and ${thousands(nItems - 1)} items with ${nFactors} factors written to ${out}`);
}

async function readList(path: string): Promise<unknown[]> {
  const list = inFile(path, parseList, await readTextFile(path));
  if (!Array.isArray(list)) throw new FileFormatError(`${path}: This is not a JSON list of ids.`);
  return list;
}

function parseList(text: string): unknown {
  try {
    return parseJson(text, { maxDepth: 1, maxValues: Infinity });
  } catch (cause) {
    throw new FileFormatError(`This ${(cause as Error).message}.`, { cause });
  }
}
