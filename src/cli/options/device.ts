import type { Command } from 'commander';
import { type OpenedGpu, openGpu } from '../../node/device/device.js';

/** Which device computes. */
export interface DeviceFlags {
  adapter?: string | undefined;
}

/** Adds `DeviceFlags`. */
export function addDeviceOptions(command: Command): Command {
  return command.option(
    '--adapter <name>',
    "hardware, software, lavapipe, swiftshader or a part of the adapter's name (default: the best there is, see 'dotbias info')",
  );
}

/** Opens the device, before anything else is under way (see `quiet`), lets `use` have it, and destroys it, whatever happens. */
export async function withDevice(flags: DeviceFlags, use: (device: OpenedGpu) => Promise<void>): Promise<void> {
  const device = await openGpu({ quiet: true, name: flags.adapter });
  try {
    await use(device);
  } finally {
    device.gpu.destroy();
  }
}
