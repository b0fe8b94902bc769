import { Segment } from '../../shaders/ops/structs.js';
import { LOSS_BLOCK, type lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Binding, Pipeline } from '../gpu/pipeline.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';

/** Mean loss of each batch of a submission, from losses that lie in one segment for each. */
export class BatchLosses {
  readonly #blocks: number;
  readonly #segments: GPUBuffer;
  readonly #sums: GPUBuffer;
  readonly #binding: Binding<typeof lossSums>;
  #nSegments = 0;

  /**
   * @param losses floats, of which each loss is the first of `stride`
   * @param batchSize by which sums are divided
   * @param longest the most losses of a segment
   */
  constructor(
    private readonly gpu: Gpu,
    scope: Scope,
    pipeline: Pipeline<typeof lossSums>,
    losses: GPUBuffer,
    stride: number,
    private readonly batchSize: number,
    longest: number,
    maxSteps: number,
  ) {
    this.#blocks = Math.ceil(longest / LOSS_BLOCK);
    this.#segments = scope.allocate('segments', 4 * Segment.size * maxSteps);
    this.#sums = scope.allocate('loss sums', 4 * maxSteps * this.#blocks);
    const buffers = { segments: this.#segments, losses, lossSums: this.#sums };
    this.#binding = pipeline.bind(scope, buffers, { blocks: this.#blocks, stride });
  }

  /** @param segments `Segment` structs, one for each step */
  record(recorder: Recorder, segments: Uint32Array<ArrayBuffer>): Recorder {
    this.#nSegments = segments.length / Segment.size;
    this.gpu.write(this.#segments, segments);
    return recorder.dispatch(this.#binding, this.#nSegments * this.#blocks, { nSegments: this.#nSegments });
  }

  /** The means of the submission just made. Its copy is queued at once, before any later submission. */
  async read(): Promise<Float32Array> {
    const [nSteps, blocks] = [this.#nSegments, this.#blocks];
    const sums = await this.gpu.readFloats(this.#sums, 0, nSteps * blocks);
    return Float32Array.from({ length: nSteps }, (_, step) => {
      let sum = 0;
      for (let b = step * blocks; b < (step + 1) * blocks; b++) sum += sums[b];
      return sum / this.batchSize;
    });
  }
}
