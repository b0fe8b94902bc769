import type { Command } from 'commander';
import { type OpenedGpu, openGpu } from '../../node/device/device.js';

/** Which device computes. */
export interface DeviceFlags {
  adapter?: string;
}

export function addDeviceOptions(command: Command): Command {
  return command.option(
    '--adapter <name>',
    "hardware, software, lavapipe, swiftshader or a part of the adapter's name (default: the best there is, see 'dotbias info')",
  );
}

export function openDevice({ adapter }: DeviceFlags): Promise<OpenedGpu> {
  return openGpu(adapter === undefined ? {} : { name: adapter });
}

/** The first line of every run. */
export function deviceLine({ info, why }: OpenedGpu): string {
  return `Device: ${info.description}, ${info.isSoftware ? 'software' : 'hardware'} (${why.replace(/^hardware; /, '')})`;
}
