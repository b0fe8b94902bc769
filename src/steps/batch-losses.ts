import { lossBlocks, lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Binding } from '../gpu/pipeline.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';

/** Mean loss of each batch of a submission, from the losses of its ratings. */
export class BatchLosses {
  private constructor(
    private readonly gpu: Gpu,
    private readonly batchSize: number,
    private readonly sums: GPUBuffer,
    private readonly binding: Binding<typeof lossSums>,
  ) {}

  /** @param losses floats, of which each rating's loss is the first of `stride` */
  static async create(
    gpu: Gpu,
    scope: Scope,
    losses: GPUBuffer,
    stride: number,
    batchSize: number,
    maxSteps: number,
  ): Promise<BatchLosses> {
    const pipeline = await gpu.compile(lossSums);
    const sums = scope.allocate('loss sums', 4 * maxSteps * lossBlocks(batchSize));
    return new BatchLosses(gpu, batchSize, sums, pipeline.bind(scope, { losses, lossSums: sums }, { batchSize, stride }));
  }

  record(recorder: Recorder, nSteps: number): Recorder {
    return recorder.dispatch(this.binding, nSteps * lossBlocks(this.batchSize), { nSteps });
  }

  /** The means of the submission just made. Its copy is queued at once, before any later submission. */
  async read(nSteps: number): Promise<Float32Array> {
    const blocks = lossBlocks(this.batchSize);
    const sums = await this.gpu.readFloats(this.sums, 0, nSteps * blocks);
    return Float32Array.from({ length: nSteps }, (_, step) => {
      let sum = 0;
      for (let b = step * blocks; b < (step + 1) * blocks; b++) sum += sums[b];
      return sum / this.batchSize;
    });
  }
}
