/**
 * The errors that dotbias throws for what a caller can act on. Each message is one sentence or two: what is wrong,
 * where, and what to do. A bad argument is a plain `RangeError` or `TypeError`.
 */

/** Base of all the domain errors below: `error instanceof DotbiasError` tells a user's problem from a defect. */
export class DotbiasError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Where in a data source something is wrong. Lines count from 1, a header included. */
export interface DataLocation {
  file?: string;
  line?: number;
  column?: string;
  value?: unknown;
}

/** Ratings that cannot be used: a malformed row, a missing column, an empty file, a refused download. */
export class DataError extends DotbiasError {
  readonly file?: string;
  readonly line?: number;
  readonly column?: string;
  readonly value?: unknown;

  constructor(message: string, location: DataLocation = {}, options?: ErrorOptions) {
    const { file, line } = location;
    const where = file === undefined ? '' : line === undefined ? `${file}: ` : `${file}:${line}: `;
    super(where + message, options);
    Object.assign(this, location);
  }
}

/** No adapter fits what was asked for; the message says what to install. */
export class NoAdapterError extends DotbiasError {}

/** The run needs more GPU memory than the budget or the device's limits allow. */
export class MemoryBudgetError extends DotbiasError {}

/** A WGSL kernel did not compile; the message quotes the offending lines. */
export class ShaderCompileError extends DotbiasError {}

/** The device reported an error outside any awaited call; thrown by the next awaited call. */
export class GpuError extends DotbiasError {}

/** The device was lost (driver reset, unplugged, destroyed by its owner). */
export class DeviceLostError extends DotbiasError {}

/** The loss is no longer finite. */
export class DivergedError extends DotbiasError {
  constructor(
    /** 0-based step of this fit at which the loss stopped being finite. */
    readonly step: number,
    /** The learning rate in force at that step. */
    readonly lr: number,
  ) {
    super(`Training diverged: the loss is not finite at step ${step} (lr ${lr}). Use a lower learning rate.`);
  }
}

/** A saved file (model, checkpoint) that cannot be read, is damaged, or belongs to another run. */
export class FileFormatError extends DotbiasError {}
