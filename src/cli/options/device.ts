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

/** Opens the device, while nothing else is under way (see `quiet`), lets `use` have it, and destroys it, whatever happens. */
export async function withDevice(flags: DeviceFlags, use: (device: OpenedGpu) => Promise<void>): Promise<void> {
  const memoryBudget = flags.memoryBudget === undefined ? undefined : GIB * flags.memoryBudget;
  const device = await openGpu({ quiet: true, name: flags.adapter, memoryBudget });
  try {
    await use(device);
  } finally {
    device.gpu.destroy();
  }
}
