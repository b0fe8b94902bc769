import type { Command } from 'commander';
import { kernelByName, kernelNames } from '../../shaders/index.js';
import { sigmoidRange } from '../../shaders/ops/sigmoid-range.js';
import { kernelSource } from '../gpu/kernel.js';
import { addModelVariant, type VariantFlags } from './model-options.js';

interface WgslFlags extends VariantFlags {
  immediates: boolean;
}

export function addWgsl(program: Command): void {
  const command = program.command('wgsl')
    .summary('print the WGSL of a kernel')
    .description('Prints the WGSL of a kernel as the device gets it, or the names of all kernels.')
    .argument('[kernel]', `one of ${kernelNames.join(', ')}`);
  addModelVariant(command)
    .option('--no-immediates', 'as for a device without WGSL immediates')
    .action(printWgsl);
}

function printWgsl(kernel: string | undefined, { factors, yRange, bias, immediates }: WgslFlags): void {
  if (kernel === undefined) {
    console.log(kernelNames.join('\n'));
    return;
  }
  const variant = { range: sigmoidRange(yRange), bias, factorVecs: Math.ceil(factors / 4) };
  console.log(kernelSource(kernelByName(kernel, variant), immediates ? 'immediate' : 'dynamic uniform').trim());
}
