import type { Command } from 'commander';
import type { Id } from '../../data/collab-data.js';
import type { CollabModel, ModelInfo } from '../../answer/collab-model.js';
import { type DecodedModel, loadModel } from '../../files/model-file.js';
import type { OpenedGpu } from '../../node/device/device.js';
import { addDeviceOptions, type DeviceFlags, openDevice } from './device.js';

/** Which saved model to ask. */
export interface SavedModelFlags extends DeviceFlags {
  model: string;
}

export function addSavedModelOptions(command: Command): Command {
  return addDeviceOptions(command.requiredOption('--model <file>', "a model that 'dotbias train --out' or 'dotbias import' wrote"));
}

/** Opens the device, puts the model there, lets `use` have both, and gives the device back. */
export async function withModel(
  saved: DecodedModel,
  flags: DeviceFlags,
  use: (model: CollabModel, device: OpenedGpu) => Promise<void>,
): Promise<void> {
  const device = await openDevice(flags);
  try {
    await use(await loadModel(saved, device.gpu), device);
  } finally {
    device.gpu.destroy();
  }
}

/** Id of a user by what was typed. @throws RangeError for one that training never saw */
export function findUser({ users }: ModelInfo, name: Id): Id {
  if (!users.has(name)) throw new RangeError(`Training saw no user '${name}'.`);
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
  if (found.length > 1) throw new RangeError(`'${name}' is the title of the items ${found.join(' and ')}: name one of these ids.`);
  return found[0];
}

/** What to say of an item that `findItem` does not find. */
export function unknownItem({ titles }: ModelInfo, name: Id): string {
  const part = String(name).toLowerCase();
  const [near] = [...(titles ?? [])]
    .filter(([, title]) => part.length > 2 && title.toLowerCase().includes(part))
    .sort(([, a], [, b]) => a.length - b.length);
  return `Training saw no item with the id${titles ? ' or the title' : ''} '${name}'${near ? `; there is '${near[1]}', item ${near[0]}` : ''}.`;
}

/** What people call an item: its title or, where it has none, its id. */
export function nameOf({ item, title }: { item: Id; title?: string }): string {
  return title ?? String(item);
}
