import type { Command } from 'commander';
import { identity, sigmoidRange } from '../../../shaders/ops/range.js';
import { kernelSource } from '../../gpu/kernel.js';
import { addShapeOptions, type ShapeFlags } from '../options/model.js';
import { printLines } from '../process/terminal.js';

interface WgslFlags extends ShapeFlags {
  immediates: boolean;
}

/** Adds `dotbias wgsl`. */
export function addWgsl(program: Command): void {
  const command = program
    .command('wgsl')
    .summary('print the WGSL of a kernel')
    .description('Prints the WGSL of a kernel as the device gets it, or the names of all kernels.')
    .argument('[kernel]', 'name of a kernel (default: list the names)');
  addShapeOptions(command).option('--no-immediates', 'as for a device without WGSL immediates').action(printWgsl);
}

async function printWgsl(kernel: string | undefined, flags: WgslFlags): Promise<void> {
  const { kernelByName, kernelNames } = await import('../../../shaders/index.js');
  if (kernel === undefined) {
    printLines(kernelNames.join('\n'));
    return;
  }
  const variant = {
    range: flags.yRange === 'none' ? identity : sigmoidRange(flags.yRange ?? [0, 5.5]),
    hasBias: flags.bias,
    nFactors: flags.factors,
  };
  printLines(kernelSource(kernelByName(kernel, variant), flags.immediates ? 'immediate' : 'dynamic uniform').trim());
}
