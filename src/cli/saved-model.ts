import type { Command } from 'commander';
import type { Id } from '../collab-data.js';
import type { CollabModel } from '../collab-model.js';
import { loadModel } from '../model-file.js';
import type { OpenedGpu } from '../node/device.js';
import { readModelFile } from '../node/model-file.js';
import { addDeviceOptions, type DeviceFlags, openDevice } from './device-options.js';

/** Which saved model to ask. */
export interface SavedModelFlags extends DeviceFlags {
  model: string;
}

export function addSavedModelOptions(command: Command): Command {
  return addDeviceOptions(command.requiredOption('--model <file>', "a model that 'dotbias train --out' or 'dotbias import' wrote"));
}

/** Loads the model, lets `use` have it, and gives the device back. */
export async function withModel(flags: SavedModelFlags, use: (model: CollabModel, device: OpenedGpu) => Promise<void>): Promise<void> {
  const file = await readModelFile(flags.model);
  const device = await openDevice(flags);
  try {
    await use(await loadModel(file, device.gpu), device);
  } finally {
    device.gpu.destroy();
  }
}

/**
 * Finds items by what people call them: an id or, if there is no such id, a title, letter for letter.
 *
 * @returns the item's id, or undefined; for a title that several items have, RangeError
 */
export function itemFinder({ info: { items, titles } }: CollabModel): (name: Id) => Id | undefined {
  return (name) => {
    if (items.has(name)) return items.idOf(items.indexOf(name));
    const found = [...(titles ?? [])].filter(([, title]) => title === name).map(([id]) => id);
    if (found.length > 1) throw new RangeError(`'${name}' is the title of the items ${found.join(' and ')}: name one of these ids.`);
    return found[0];
  };
}

/** What to say of an item that `itemFinder` does not find. */
export function unknownItem({ info: { titles } }: CollabModel, name: Id): string {
  const part = String(name).toLowerCase();
  const [near] = [...(titles ?? [])].filter(([, title]) => part.length > 2 && title.toLowerCase().includes(part)).sort(([, a], [, b]) => a.length - b.length);
  return `Training saw no item with the id${titles ? ' or the title' : ''} '${name}'${near ? `; there is '${near[1]}', item ${near[0]}` : ''}.`;
}

/** What people call an item: its title or, where it has none, its id. */
export function nameOf({ item, title }: { item: Id; title?: string }): string {
  return title ?? String(item);
}
