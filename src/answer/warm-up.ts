import { columnMoments } from '../../shaders/answer/column-moments.wgsl.js';
import { gatherRows } from '../../shaders/answer/gather-rows.wgsl.js';
import { predict } from '../../shaders/answer/predict.wgsl.js';
import { topN } from '../../shaders/answer/top-n.wgsl.js';
import type { TrainedModel } from './trained-model.js';

/**
 * Compiles the kernels of `predict`, `recommend`, `foldIn` and `folder`, side by side, so that the first of these is answered about as
 * quickly as those after it. It changes nothing else, and what is compiled already is not compiled again.
 *
 * @throws DeviceLostError or GpuError
 */
export async function warmUp({ embeddings, info: { score, range } }: TrainedModel): Promise<void> {
  const { gpu, shape } = embeddings;
  await Promise.all([
    gpu.compile(predict(range, score, shape.hasBias)),
    gpu.compile(topN(score, shape.hasBias)),
    gpu.compile(columnMoments),
    gpu.compile(gatherRows),
  ]);
}
