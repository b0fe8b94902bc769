import type { Command } from 'commander';
import { type OpenedGpu, openGpu } from '../../node/device/device.js';
import { positive } from './numbers.js';

const GIB = 2 ** 30;

/** Which device computes. */
export interface DeviceFlags {
  adapter?: string | undefined;
  /** In GiB. */
  memoryBudget?: number | undefined;
}

/** Adds the choice of the adapter. */
export function addAdapterOption(command: Command): Command {
  return command.option(
    '--adapter <name>',
    "hardware, software, lavapipe, swiftshader or a part of the adapter's name (default: the best there is, see 'dotbias info')",
  );
}

/** Adds `DeviceFlags`. */
export function addDeviceOptions(command: Command): Command {
  return addAdapterOption(command).option(
    '--memory-budget <GiB>',
    'GPU memory to take at most (default: 4, or the size of the largest buffer if that is more)',
    positive,
  );
}

/**
 * Opens a device, of lavapipe with so many threads, while nothing else is under way (see `quiet`), lets `use` have it, and
 * destroys it, whatever happens.
 */
export function withDevice(flags: DeviceFlags, softwareThreads: number, use: (device: OpenedGpu) => Promise<void>): Promise<void> {
  return withDevices(flags, async (deviceWith) => use(await deviceWith(softwareThreads)));
}

/** As `withDevice`, for batches of several sizes: `use` asks for a device with some threads, and is given one that has them and is open. */
export async function withDevices(
  { adapter: name, memoryBudget: gib }: DeviceFlags,
  use: (deviceWith: (softwareThreads: number) => Promise<OpenedGpu>) => Promise<void>,
): Promise<void> {
  const memoryBudget = gib === undefined ? undefined : GIB * gib;
  const byThreads = new Map<number, OpenedGpu>();
  try {
    await use(async (softwareThreads) => {
      const [first] = byThreads;
      const isFixed = first !== undefined && first[1].info.softwareThreads !== first[0]; // by the user, or it is not lavapipe
      const suitable = isFixed ? first[1] : byThreads.get(softwareThreads);
      if (suitable) return suitable;
      const device = await openGpu({ quiet: true, name, memoryBudget, softwareThreads });
      byThreads.set(softwareThreads, device);
      return device;
    });
  } finally {
    for (const { gpu } of byThreads.values()) gpu.destroy();
  }
}
