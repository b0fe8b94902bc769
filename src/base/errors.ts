/**
 * The errors that a caller can act on. Each message is a sentence or two: what is wrong, where, and what to do. A bad
 * argument is a plain `RangeError` or `TypeError`.
 */

/**
 * The base of all errors below: `error instanceof DotbiasError` tells a user's problem from a defect. Names are written out,
 * because a minifier renames classes.
 */
export class DotbiasError extends Error {
  override readonly name: string = 'DotbiasError';
}

/** Where something is wrong in a data source. Lines are counted from 1, the header included. */
export interface DataLocation {
  file?: string | undefined;
  line?: number | undefined;
  column?: string | undefined;
  value?: unknown;
}

/** Ratings that cannot be used: a malformed row, a missing column, an empty file, a refused download. */
export class DataError extends DotbiasError {
  override readonly name = 'DataError';
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: string | undefined;
  readonly value?: unknown;

  constructor(message: string, location: DataLocation = {}, options?: ErrorOptions) {
    const { file, line } = location;
    const where = file === undefined ? '' : line === undefined ? `${file}: ` : `${file}:${line}: `;
    super(where + message, options);
    Object.assign(this, location);
  }
}

/** No GPU adapter does what was asked for; the message says what to install. */
export class NoAdapterError extends DotbiasError {
  override readonly name = 'NoAdapterError';
}

/** The run needs more GPU memory than the budget or the device's limits allow. */
export class MemoryBudgetError extends DotbiasError {
  override readonly name = 'MemoryBudgetError';
}

/** A WGSL kernel did not compile; the message quotes the offending lines. */
export class ShaderCompileError extends DotbiasError {
  override readonly name = 'ShaderCompileError';
}

/** The device reported an error while no call was waiting for it; the next awaited call throws it. */
export class GpuError extends DotbiasError {
  override readonly name = 'GpuError';
}

/** The device was lost (driver reset, unplugged, destroyed by its owner). */
export class DeviceLostError extends DotbiasError {
  override readonly name = 'DeviceLostError';
}

/** More calls are waiting than there may be: try again later. */
export class OverloadedError extends DotbiasError {
  override readonly name = 'OverloadedError';
}

/** Training diverged: a score, a loss or a parameter is no longer finite. */
export class DivergedError extends DotbiasError {
  override readonly name = 'DivergedError';
  constructor(
    /** 0-based step of this fit whose loss, or after which a parameter, is not finite. */
    readonly step: number,
    /** The learning rate in force at that step. */
    readonly lr: number,
    what = 'the loss is not finite at',
  ) {
    super(`Training diverged: ${what} step ${step} (lr ${Number(Number(lr).toPrecision(4))}). Use a lower learning rate or weight decay.`);
  }
}

/** A saved file (a model, a checkpoint) that is damaged, of another format, or of another run. */
export class FileFormatError extends DotbiasError {
  override readonly name = 'FileFormatError';
}
