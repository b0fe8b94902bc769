/**
 * The safetensors format: named arrays in one file, readable by Python's `safetensors` and safe to open even if its origin
 * is unknown. Layout, everything little-endian (as all hosts of WebGPU are):
 *
 *     u64 length of the header | header: JSON, UTF-8, may end in spaces | data
 *     header = { "__metadata__": { name: string }, tensor: { "dtype", "shape", "data_offsets": [begin, end] }, ... }
 *
 * Offsets count from the start of the data, which the tensors fill without gap or overlap.
 * Specification: https://github.com/huggingface/safetensors (README, section Format).
 */
export type { Dtype, Tensor } from './safetensors-format.js';
export { readSafetensors, type SafetensorsFile, type SafetensorsLimits } from './safetensors-read.js';
export { safetensorsPieces, writeSafetensors } from './safetensors-write.js';
