import { fingerprintText } from '../base/fingerprint.js';
import { type Kernel, kernelSource } from '../gpu/kernel.js';

/** The fingerprint of the WGSL of some kernels, the same however their immediates reach them. */
export const sourceOf = (kernels: readonly Kernel[]): string =>
  fingerprintText(kernels.map((kernel) => kernelSource(kernel, 'immediate')).join('\n'));
