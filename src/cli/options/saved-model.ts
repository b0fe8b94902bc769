import type { Command } from 'commander';
import type { CollabModel } from '../../answer/collab-model.js';
import { type DecodedModel, loadModel } from '../../files/model-file.js';
import type { OpenedGpu } from '../../node/device/device.js';
import { threadsToAnswer } from '../../node/device/threads.js';
import { addDeviceOptions, type DeviceFlags, withDevice } from './device.js';

/** Which saved model to ask, and on which device. */
export interface SavedModelFlags extends DeviceFlags {
  model: string;
}

/** Adds `SavedModelFlags`. */
export function addSavedModelOptions(command: Command): Command {
  return addDeviceOptions(command.requiredOption('--model <file>', "a model that 'dotbias train --out' or 'dotbias import' wrote"));
}

/**
 * Opens the device, puts the model there, lets `use` have both, and destroys the device, whatever happens.
 *
 * @param nPairs how many pairs of user and item are scored at once, where that is more than the small work of one answer
 */
export function withModel(
  saved: DecodedModel,
  flags: DeviceFlags,
  use: (model: CollabModel, device: OpenedGpu) => Promise<void>,
  nPairs?: number,
): Promise<void> {
  const threads = nPairs === undefined ? 0 : threadsToAnswer(nPairs, saved.shape);
  return withDevice(flags, threads, async (device) => use(await loadModel(saved, { gpu: device.gpu }), device));
}
