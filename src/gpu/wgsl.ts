import { wgsl as preprocess } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/**
 * Tag of WGSL text, wgsl-preprocessor's. It understands `#if ${…}`, `#elif ${…}`, `#else` and `#endif`; it scans comments
 * too, and evaluates `${…}` in branches that are not taken.
 */
export const wgsl: (strings: TemplateStringsArray, ...values: unknown[]) => string = preprocess;

/** A number as a WGSL float literal. Plain interpolation would write 1.0 as `1`, an integer. */
export function f32(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`WGSL has no literal for ${value}`);
  const text = String(Math.fround(value));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
