/// <reference lib="esnext.disposable" preserve="true" />

/**
 * The name of the method that `await using` calls: `Symbol.asyncDispose` or, in an engine that lacks it, the symbol that bundlers
 * put in its place when they write `await using` for such an engine.
 */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
