/** Captures the dispatches that the engine records for real work, so that each kernel can be run again alone. */
import type { Gpu } from '../src/gpu/gpu.js';
import type { Kernel, ScalarFields } from '../src/gpu/kernel.js';
import type { Binding } from '../src/gpu/pipeline.js';
import { Recorder } from '../src/gpu/recorder.js';

export interface Dispatch {
  binding: Binding;
  groups: number;
  immediates: Record<string, number> | undefined;
  /** Buffers that were filled with zeros before it. */
  cleared: readonly GPUBuffer[];
}

/** Any kernel; it may have immediates. */
type AnyKernel = Kernel<ScalarFields, ScalarFields>;

/** A recorder that keeps dispatches instead of sending them. */
class Tape extends Recorder {
  readonly #cleared: GPUBuffer[] = [];

  constructor(
    gpu: Gpu,
    readonly dispatches: Dispatch[],
  ) {
    super(gpu, { label: 'tape' });
  }

  override dispatchGroups<K extends Kernel>(binding: Binding<K>, groups: number, ...immediates: unknown[]): this {
    if (groups > 0)
      this.dispatches.push({
        binding: binding as unknown as Binding,
        groups,
        immediates: immediates[0] as Record<string, number> | undefined,
        cleared: this.#cleared,
      });
    return this;
  }

  override clear(buffer: GPUBuffer): this {
    this.#cleared.push(buffer);
    return this;
  }

  override submit(): void {}
}

/** The dispatches that `work` would submit. Its writes to buffers do happen. */
export async function capture(gpu: Gpu, work: () => unknown): Promise<Dispatch[]> {
  const dispatches: Dispatch[] = [];
  gpu.record = () => new Tape(gpu, dispatches);
  try {
    await work();
  } finally {
    delete (gpu as Partial<Pick<Gpu, 'record'>>).record;
  }
  return dispatches;
}

/** The kernel of steps that counts them needs its count reset; all others can be run again as they are. */
const COUNTED = 'lazyCountedStep';

/** Records dispatches of one kernel again. */
export function replay(recorder: Recorder, dispatches: readonly Dispatch[]): void {
  if (dispatches.length > 0 && kernelStem(dispatches[0]) === COUNTED) for (const buffer of dispatches[0].cleared) recorder.clear(buffer);
  for (const { binding, groups, immediates } of dispatches)
    recorder.dispatchGroups(binding as Binding<AnyKernel>, groups, immediates ?? {});
}

/** Name of a kernel without its variant. */
export const kernelStem = ({ binding }: Dispatch) => binding.pipeline.kernel.name.split('[')[0];
