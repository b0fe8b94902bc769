/** What reading and writing safetensors have in common. */

/** The array that holds each dtype. */
export const arrayTypes = {
  F64: Float64Array,
  I64: BigInt64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  U8: Uint8Array,
};

interface ArrayOf {
  F64: Float64Array;
  I64: BigInt64Array;
  F32: Float32Array;
  I32: Int32Array;
  U32: Uint32Array;
  U8: Uint8Array;
}

/** Element types (float, signed and unsigned integer, with their bits) that are read and written here; the format has more. */
export type Dtype = keyof ArrayOf;

/** An array in row-major order; a scalar has shape []. */
export type Tensor = { [D in Dtype]: { dtype: D; shape: number[]; data: ArrayOf[D] } }[Dtype];

/** The limit that the format itself sets for the header: 100 MB. */
export const MAX_HEADER_BYTES = 100_000_000;
/** The header's field for metadata. */
export const METADATA = '__metadata__';
/** Bytes before the header, which hold its length. */
export const PREFIX_BYTES = 8;

/** Product of the shape; NaN if a dimension is not a size or the product is not a safe integer. */
export function nElements(shape: readonly number[]): number {
  let n = 1;
  for (const size of shape) {
    n *= isSize(size) ? size : NaN;
    if (!Number.isSafeInteger(n)) return NaN;
  }
  return n;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether a value is a list of sizes, such as a shape. */
export function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}

/** Whether a value names one of the element types known here. */
export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(arrayTypes, value);
}
