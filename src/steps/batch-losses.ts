import { lossBlocks, type lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Binding, Pipeline } from '../gpu/pipeline.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';

/** Mean loss of each batch of a submission, from the losses of its ratings. */
export class BatchLosses {
  readonly #sums: GPUBuffer;
  readonly #binding: Binding<typeof lossSums>;

  /** @param losses floats, of which each rating's loss is the first of `stride` */
  constructor(
    private readonly gpu: Gpu,
    scope: Scope,
    pipeline: Pipeline<typeof lossSums>,
    losses: GPUBuffer,
    stride: number,
    private readonly batchSize: number,
    maxSteps: number,
  ) {
    this.#sums = scope.allocate('loss sums', 4 * maxSteps * lossBlocks(batchSize));
    this.#binding = pipeline.bind(scope, { losses, lossSums: this.#sums }, { batchSize, stride });
  }

  record(recorder: Recorder, nSteps: number): Recorder {
    return recorder.dispatch(this.#binding, nSteps * lossBlocks(this.batchSize), { nSteps });
  }

  /** The means of the submission just made. Its copy is queued at once, before any later submission. */
  async read(nSteps: number): Promise<Float32Array> {
    const blocks = lossBlocks(this.batchSize);
    const sums = await this.gpu.readFloats(this.#sums, 0, nSteps * blocks);
    return Float32Array.from({ length: nSteps }, (_, step) => {
      let sum = 0;
      for (let b = step * blocks; b < (step + 1) * blocks; b++) sum += sums[b];
      return sum / this.batchSize;
    });
  }
}
