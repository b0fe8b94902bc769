import { fingerprint } from './fingerprint.js';

/**
 * A fingerprint of this engine's transcendental functions, of their values at fixed points. ECMAScript leaves their last bits
 * open, and those of V8 (Node, Deno, Chromium) and JavaScriptCore (Bun, Safari) differ, and of two versions of V8 too. What the
 * four operations and the square root give is the same everywhere.
 */
export function mathFingerprint(): string {
  return fingerprint(Float64Array.from({ length: 2000 }, (_, i) => functions[i % functions.length]((i + 1) / 2001)));
}

/** Those that training uses, each at points between 0 and 1. */
const functions: readonly ((x: number) => number)[] = [
  (x) => Math.cos(Math.PI * x),
  (x) => Math.acos(x),
  (x) => Math.exp(-x),
  (x) => Math.log(x),
  (x) => 1e8 ** x,
  (x) => (1 - 1e-3 * x) ** (1000 * x),
];
