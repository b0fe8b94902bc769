import type { Command } from 'commander';
import type { CollabModel } from '../../answer/collab-model.js';
import type { ModelInfo } from '../../answer/trained-model.js';
import { show } from '../../base/check.js';
import type { Id } from '../../data/ids.js';
import { type DecodedModel, loadModel } from '../../files/model-file.js';
import type { OpenedGpu } from '../../node/device/device.js';
import { UsageError } from '../process/errors.js';
import { addDeviceOptions, type DeviceFlags, withDevice } from './device.js';

/** Which saved model to ask, and on which device. */
export interface SavedModelFlags extends DeviceFlags {
  model: string;
}

/** Adds `SavedModelFlags`. */
export function addSavedModelOptions(command: Command): Command {
  return addDeviceOptions(command.requiredOption('--model <file>', "a model that 'dotbias train --out' or 'dotbias import' wrote"));
}

/** Opens the device, puts the model there, lets `use` have both, and destroys the device, whatever happens. */
export function withModel(
  saved: DecodedModel,
  flags: DeviceFlags,
  use: (model: CollabModel, device: OpenedGpu) => Promise<void>,
): Promise<void> {
  return withDevice(flags, async (device) => use(await loadModel(saved, { gpu: device.gpu }), device));
}

/** Id of a user by what was typed. @throws RangeError for one whom training never saw */
export function findUser({ users }: ModelInfo, name: Id): Id {
  if (!users.has(name)) throw new UsageError(`Training saw no user ${show(name)}.`);
  return users.idOf(users.indexOf(name));
}

/**
 * Id of an item by what people call it: its id or, if there is no such id, its title, letter for letter.
 *
 * @returns undefined for an item that training never saw, see `unknownItem`
 * @throws RangeError for a title that several items have
 */
export function findItem({ items, titles }: ModelInfo, name: Id): Id | undefined {
  if (items.has(name)) return items.idOf(items.indexOf(name));
  const found = [...(titles ?? [])].filter(([, title]) => title === name).map(([id]) => id);
  if (found.length > 1) throw new UsageError(`${show(name)} is the title of the items ${found.join(' and ')}: name one of these ids.`);
  return found[0];
}

/** What to say of an item that `findItem` does not find; where a title has the name in it, with that item. */
export function unknownItem({ titles }: ModelInfo, name: Id): string {
  const part = String(name).toLowerCase();
  const [near] = [...(titles ?? [])]
    .filter(([, title]) => part.length > 2 && title.toLowerCase().includes(part))
    .sort(([, a], [, b]) => a.length - b.length);
  const hint = near === undefined ? '' : `; there is ${show(near[1])}, item ${near[0]}`;
  return `Training saw no item ${show(name)}${hint}.`;
}
