/**
 * WGSL text: the only import of wgsl-preprocessor. The tag understands `#if ${…}`, `#elif ${…}`, `#else` and `#endif`;
 * it scans comments too, and evaluates `${…}` in branches that are not taken.
 */
export { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/** A number as a WGSL float literal. Plain interpolation would write 1.0 as `1`, an integer. */
export function f32(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`WGSL has no literal for ${value}`);
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
