/** ONNX Runtime for tests: the one of `.ci/onnx`. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As much of onnxruntime-node as is used here. */
export interface Runtime {
  InferenceSession: { create(model: Uint8Array): Promise<Session> };
  Tensor: new (type: 'int64', data: BigInt64Array, dims: number[]) => object;
}

interface Session {
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Record<string, object>): Promise<Record<string, { dims: readonly number[]; data: Float32Array } | undefined>>;
}

const folder = fileURLToPath(new URL('../../../.ci/onnx/', import.meta.url));

/** The runtime, or why there is none. */
export function onnxRuntime(): Runtime | string {
  try {
    return createRequire(join(folder, 'package.json'))('onnxruntime-node') as Runtime;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND') return 'onnxruntime-node is not here (npm --prefix .ci/onnx ci --ignore-scripts)';
    return `onnxruntime-node does not run here: ${(error as Error).message.split('\n', 1)[0]}`;
  }
}
