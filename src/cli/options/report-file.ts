import { DataError } from '../../base/errors.js';
import { isObject } from '../../base/json.js';
import type { TrainReport } from '../print/train-report.js';
import { readJsonObject } from './config.js';

/** What a report must hold, by its parts: the type of each. */
const PARTS: Readonly<Record<string, string>> = {
  version: 'string',
  runtime: 'string',
  math: 'string',
  device: 'object',
  'device.name': 'string',
  'device.description': 'string',
  data: 'object',
  'data.name': 'string',
  'data.fingerprint': 'string',
  'data.split': 'object',
  'data.nTrain': 'number',
  'data.nValid': 'number',
  'data.nUsers': 'number',
  'data.nItems': 'number',
  options: 'object',
  'settings.learner': 'object',
  'settings.fit': 'object',
  config: 'object',
  steps: 'number',
  interrupted: 'boolean',
  losses: 'string',
};

/**
 * What `dotbias train --report` wrote, of anybody: its parts are looked at before they are used.
 *
 * @throws DataError for what is no such report, or one of an earlier version; the file system's error
 */
export async function readReport(file: string): Promise<TrainReport> {
  const report = await readJsonObject(file);
  for (const [name, type] of Object.entries(PARTS)) {
    const value = name.split('.').reduce<unknown>((parent, key) => (isObject(parent) ? parent[key] : undefined), report);
    if (type === 'object' ? !isObject(value) : typeof value !== type)
      refuse(file, `its ${name} is ${value === undefined ? 'missing' : `no ${type}`}`);
  }
  const { epochs, model, losses, steps } = report as unknown as TrainReport;
  const isEpoch = (epoch: unknown) => isObject(epoch) && 'trainLoss' in epoch && 'validLoss' in epoch;
  if (!Array.isArray(epochs) || !epochs.every(isEpoch)) refuse(file, 'its epochs are no list of epochs');
  if (model !== undefined && !(isObject(model) && typeof model.parameters === 'string')) refuse(file, 'its model has no parameters');
  if (Buffer.from(losses, 'base64').length !== 4 * steps) refuse(file, `its losses are not those of ${steps} steps`);
  return report as unknown as TrainReport;
}

function refuse(file: string, problem: string): never {
  throw new DataError(`This is not a report that 'dotbias train --report' of this version wrote: ${problem}.`, { file });
}
