import { Segment } from '../../shaders/ops/structs.js';
import { LOSS_BLOCK, type lossSums } from '../../shaders/train/loss-sums.wgsl.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Binding, Pipeline } from '../gpu/pipeline.js';
import type { Recorder } from '../gpu/recorder.js';
import type { Scope } from '../gpu/scope.js';

/** The loss of each segment of a submission: a step, or a part of one. */
export class BatchLosses {
  readonly #blocks: number;
  readonly #segments: GPUBuffer;
  readonly #sums: GPUBuffer;
  readonly #binding: Binding<typeof lossSums>;
  #nSegments = 0;

  /**
   * @param losses floats, of which each loss is the first of `stride`
   * @param longest the most losses of a segment
   * @param most the most segments of a submission
   */
  constructor(
    private readonly gpu: Gpu,
    scope: Scope,
    pipeline: Pipeline<typeof lossSums>,
    losses: GPUBuffer,
    stride: number,
    longest: number,
    most: number,
  ) {
    this.#blocks = Math.ceil(longest / LOSS_BLOCK);
    this.#segments = scope.allocate('segments', 4 * Segment.size * most);
    this.#sums = scope.allocate('loss sums', 4 * most * this.#blocks);
    const buffers = { segments: this.#segments, losses, lossSums: this.#sums };
    this.#binding = pipeline.bind(scope, buffers, { blocks: this.#blocks, stride });
  }

  /** @param segments `Segment` structs */
  record(recorder: Recorder, segments: Uint32Array<ArrayBuffer>): Recorder {
    this.#nSegments = segments.length / Segment.size;
    this.gpu.write(this.#segments, segments);
    return recorder.dispatch(this.#binding, this.#nSegments * this.#blocks, { nSegments: this.#nSegments });
  }

  /** Sums of the segments of the submission just made, in float64. Their copy is queued at once, before any later submission. */
  async read(): Promise<Float64Array> {
    const [nSegments, blocks] = [this.#nSegments, this.#blocks];
    const sums = await this.gpu.readFloats(this.#sums, 0, nSegments * blocks);
    return new Float64Array(nSegments).map((_, segment) => {
      let sum = 0;
      for (let b = segment * blocks; b < (segment + 1) * blocks; b++) sum += sums[b];
      return sum;
    });
  }
}

/** The mean loss of each step, from the sums of its segments, those of one part of the model after the other's. */
export function meanLosses(parts: readonly Float64Array[], segmentsPerStep: number, batchSize: number): Float32Array<ArrayBuffer> {
  return new Float32Array(parts[0].length / segmentsPerStep).map((_, step) => {
    let sum = 0;
    for (const sums of parts) {
      for (let i = step * segmentsPerStep; i < (step + 1) * segmentsPerStep; i++) sum += sums[i];
    }
    return sum / batchSize;
  });
}
