import { STATE } from '../../shaders/ops/optimizer.js';
import type { Ring } from '../base/ring.js';
import type { Ratings } from '../data/ratings.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Scope } from '../gpu/scope.js';
import { type ModelShape, RowLayout, type Tables } from './layout.js';
import { TableSide } from './table-side.js';

/** Parameters and the optimiser's state (m, v: as many as it keeps), each [nRows, rowStride] in the layout of `RowLayout`. */
export interface ModelState {
  param: Float32Array<ArrayBuffer>;
  m?: Float32Array<ArrayBuffer> | undefined;
  v?: Float32Array<ArrayBuffer> | undefined;
}

/** The tables of a model on the device, whole (`EmbeddingTables`) or in parts (`PartedTables`): what reads them asks for no more. */
export interface ModelTables {
  readonly gpu: Gpu;
  readonly shape: ModelShape;
  /** The layout of the whole model, which `readState` and `writeState` have. */
  readonly layout: RowLayout;
  /** Counts what has changed the parameters, so that a copy on the host knows when it is old. Whoever changes them raises it. */
  version: number;
  readonly users: TableSide;
  readonly items: TableSide;
  /** The tables that have the blocks; a whole model is its own only part. */
  readonly parts: readonly EmbeddingTables[];
  /** Sets the parameters; the optimiser's state is left as it is. @throws RangeError as `RowLayout.checkTables` */
  writeTables(tables: Tables): void;
  readTables(): Promise<Tables>;
  /** The processes that have the other parts, of a model in parts. */
  readonly ring?: Ring | undefined;
  /** As `readTables`; on several ranks every one calls it, and rank 0 alone gets the tables. */
  gatherTables(): Promise<Tables | undefined>;
  /** Writes the starting values of a seed row by row, where the whole need not be made first; else they are `initialTables`. */
  writeInitial?(seed: number): void;
  /** Parameters and the optimiser's state, bit for bit. */
  readState(): Promise<ModelState>;
  /** The inverse of `readState`. @throws RangeError if an array is missing or has another length */
  writeState(state: ModelState): void;
  /** @throws RangeError unless the state has the arrays of `readState`, and no others, in their length, and all values are finite */
  checkState(state: ModelState): void;
  /** Ratings by row of the whole model, by row of the part that trains on them. */
  placed(ratings: Ratings): Ratings;
  /** Ends a round of training in strata: blocks of items go to the part that needs them next. Every rank calls it. */
  moveItems(): Promise<void>;
  /** Puts all blocks where they were at first. Every rank calls it. */
  home(): Promise<void>;
  /** Gives the memory back; a second time does nothing. */
  release(): void;
}

/** What there is beside the parameters themselves. */
export interface TableOptions {
  /** 2: every row twice, for kernels that read one copy of a row while they write the other. Default 1. */
  nCopies?: 1 | 2 | undefined;
  /** Arrays of the optimiser's state. Default 0, enough to predict. */
  nState?: 0 | 1 | 2 | undefined;
}

/** Whether one binding holds a copy of a model's tables. */
export const fitsOneBinding = ({ maxBinding }: Pick<Gpu, 'maxBinding'>, shape: ModelShape) =>
  4 * new RowLayout(shape).nParams <= maxBinding;

/** Whether two copies of the parameters do not fit one binding, so that each is bound for itself. */
export function copiesAreApart({ maxBinding }: Pick<Gpu, 'maxBinding'>, { nParams }: Pick<RowLayout, 'nParams'>) {
  return 8 * nParams > maxBinding;
}

/**
 * The embedding tables on the GPU, with the optimiser's state, in the layout of `RowLayout`. Where there are two copies,
 * copy 0 is the model between two windows of steps.
 */
export class EmbeddingTables implements ModelTables {
  readonly layout: RowLayout;
  readonly users: TableSide;
  readonly items: TableSide;
  readonly parts = [this];
  readonly param: GPUBuffer;
  /** Copy 1 of two, where one binding does not hold both; else both are in `param`. */
  readonly spare: GPUBuffer | undefined;
  /** The optimiser's state by name, see `OptimizerOp`. */
  readonly state: Readonly<Partial<Record<(typeof STATE)[number], GPUBuffer>>>;
  version = 0;
  readonly #scope: Scope;

  /** @throws MemoryBudgetError, with nothing left allocated */
  constructor(
    readonly gpu: Gpu,
    readonly shape: ModelShape,
    { nCopies = 1, nState = 0 }: TableOptions = {},
  ) {
    this.layout = new RowLayout(shape);
    const bytes = 4 * this.layout.nParams;
    const isApart = nCopies === 2 && copiesAreApart(gpu, this.layout);
    const nTogether = isApart ? 1 : nCopies;
    const paramBytes = nTogether * bytes;
    const what = `A model of ${shape.nUsers} users, ${shape.nItems} items and ${shape.nFactors} factors`;
    gpu.checkMemory(paramBytes + (nCopies - nTogether + nState) * bytes, what, paramBytes);
    const scope = (this.#scope = gpu.scope());
    try {
      this.param = scope.allocate('param', paramBytes);
      this.spare = isApart ? scope.allocate('spare', bytes) : undefined;
      this.state = Object.fromEntries(STATE.slice(0, nState).map((name) => [name, scope.allocate(name, bytes)]));
    } catch (error) {
      scope.release();
      throw error;
    }
    const side = (firstRow: number, nRows: number) => new TableSide(undefined, [{ buffer: this.param, firstRow, nRows }]);
    this.users = side(0, shape.nUsers);
    this.items = side(shape.nUsers, shape.nItems);
  }

  writeTables(tables: Tables): void {
    this.gpu.write(this.param, this.layout.pack(tables));
    this.version++;
  }

  gatherTables(): Promise<Tables> {
    return this.readTables();
  }

  async readTables(): Promise<Tables> {
    return this.layout.unpack(await this.gpu.readFloats(this.param, 0, this.layout.nParams));
  }

  async readState(): Promise<ModelState> {
    const { nParams } = this.layout;
    const arrays = await Promise.all(this.arrays.map(([, buffer]) => this.gpu.readFloats(buffer, 0, nParams)));
    return Object.fromEntries(this.arrays.map(([name], i) => [name, arrays[i]])) as unknown as ModelState;
  }

  writeState(state: ModelState): void {
    checkLengths(this.layout, this.arrays, state);
    for (const [name, buffer] of this.arrays) this.gpu.write(buffer, state[name]!);
    this.version++;
  }

  checkState(state: ModelState): void {
    checkState(this.layout, this.arrays, state);
  }

  /** Parameters and the optimiser's state by name. */
  get arrays(): [keyof ModelState, GPUBuffer][] {
    return Object.entries({ param: this.param, ...this.state }) as [keyof ModelState, GPUBuffer][];
  }

  placed(ratings: Ratings): Ratings {
    return ratings;
  }

  async moveItems(): Promise<void> {}
  async home(): Promise<void> {}

  release(): void {
    this.#scope.release();
  }
}

type Names = readonly (readonly [keyof ModelState, ...unknown[]])[];

/** @throws RangeError if an array is missing or has another length than the layout's */
export function checkLengths({ nParams }: RowLayout, arrays: Names, state: ModelState): void {
  for (const [name] of arrays) {
    if (state[name]?.length !== nParams) throw new RangeError(`${name} must hold ${nParams} values, not ${state[name]?.length}.`);
  }
}

/** @throws RangeError unless the state has these arrays, and no others, in the layout's length, and all values are finite */
export function checkState(layout: RowLayout, arrays: Names, state: ModelState): void {
  const names = arrays.map(([name]) => name);
  if (Object.keys(state).sort().join() !== names.sort().join()) {
    throw new RangeError(`The state must have ${names.join(', ')}, not ${Object.keys(state).join(', ')}.`);
  }
  checkLengths(layout, arrays, state);
  for (const [name, values] of Object.entries(state) as [string, Float32Array][]) {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) throw new RangeError(`${name}[${bad}] is ${values[bad]}, not a finite number.`);
  }
}
