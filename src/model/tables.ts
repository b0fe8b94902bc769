import { type Gpu } from '../gpu/gpu.js';

/** Sizes of an EmbeddingDotBias model. `nUsers` and `nItems` count the `#na#` row 0 of each table. */
export interface ModelShape {
  readonly nUsers: number;
  readonly nItems: number;
  readonly nFactors: number;
  /** False for a model of factors only. */
  readonly bias: boolean;
}

/** The four embedding tables, row-major: factors [n, nFactors], biases [n]. */
export interface Tables {
  userFactors: Float32Array;
  itemFactors: Float32Array;
  userBias: Float32Array;
  itemBias: Float32Array;
}

/** Parameters and Adam moments in the packed layout of `RowLayout`, one float per column of every row. */
export interface ModelState {
  param: Float32Array<ArrayBuffer>;
  m: Float32Array<ArrayBuffer>;
  v: Float32Array<ArrayBuffer>;
}

/**
 * How the tables lie in one buffer: the user rows, then the item rows. A row holds its factors, padded with zeros to
 * whole vec4s, then one vec4 whose first element is the bias (absent in a model without biases).
 */
export class RowLayout {
  readonly nRows: number;
  /** vec4s of factors in a row, and vec4s in a row. */
  readonly factorVecs: number;
  readonly rowVecs: number;
  /** Floats in a row, and the column of the bias. */
  readonly rowStride: number;
  readonly biasColumn: number;
  readonly nParams: number;

  constructor(readonly shape: ModelShape) {
    this.nRows = shape.nUsers + shape.nItems;
    this.factorVecs = Math.ceil(shape.nFactors / 4);
    this.rowVecs = this.factorVecs + (shape.bias ? 1 : 0);
    this.rowStride = 4 * this.rowVecs;
    this.biasColumn = 4 * this.factorVecs;
    this.nParams = this.nRows * this.rowStride;
  }

  pack(tables: Tables): Float32Array<ArrayBuffer> {
    const {
      shape: { nUsers, nFactors, bias },
      rowStride,
      biasColumn,
    } = this;
    const packed = new Float32Array(this.nParams);
    for (let row = 0; row < this.nRows; row++) {
      const [factors, biases, r] =
        row < nUsers ? [tables.userFactors, tables.userBias, row] : [tables.itemFactors, tables.itemBias, row - nUsers];
      packed.set(factors.subarray(r * nFactors, (r + 1) * nFactors), row * rowStride);
      if (bias) packed[row * rowStride + biasColumn] = biases[r];
    }
    return packed;
  }

  unpack(packed: Float32Array): Tables {
    const users = this.unpackRows(packed.subarray(0, this.shape.nUsers * this.rowStride));
    const items = this.unpackRows(packed.subarray(this.shape.nUsers * this.rowStride));
    return { userFactors: users.factors, itemFactors: items.factors, userBias: users.biases, itemBias: items.biases };
  }

  /** Factors [n, nFactors] and biases [n] (zeros without biases) of n packed rows. */
  unpackRows(packed: Float32Array): { factors: Float32Array; biases: Float32Array } {
    const {
      shape: { nFactors, bias },
      rowStride,
      biasColumn,
    } = this;
    const n = packed.length / rowStride;
    const factors = new Float32Array(n * nFactors);
    const biases = new Float32Array(n);
    for (let r = 0; r < n; r++) {
      const row = r * rowStride;
      factors.set(packed.subarray(row, row + nFactors), r * nFactors);
      if (bias) biases[r] = packed[row + biasColumn];
    }
    return { factors, biases };
  }

  checkTables(tables: Tables): void {
    const { nUsers, nItems, nFactors } = this.shape;
    const wanted = { userFactors: nUsers * nFactors, itemFactors: nItems * nFactors, userBias: nUsers, itemBias: nItems };
    for (const [name, length] of Object.entries(wanted) as [keyof Tables, number][]) {
      if (tables[name]?.length !== length) throw new RangeError(`${name} must hold ${length} values, not ${tables[name]?.length}`);
    }
  }
}

/**
 * The model on the GPU: parameters and Adam moments, in the layout of `RowLayout`.
 * `param` may hold two copies of the table, for kernels that read one version of a row while they write the other;
 * outside such a kernel's chunk of steps, copy 0 is the model.
 */
export class EmbeddingTables {
  readonly layout: RowLayout;
  readonly param: GPUBuffer;
  readonly m: GPUBuffer;
  readonly v: GPUBuffer;

  constructor(
    readonly gpu: Gpu,
    readonly shape: ModelShape,
    nCopies: 1 | 2 = 1,
  ) {
    this.layout = new RowLayout(shape);
    const bytes = 4 * this.layout.nParams;
    gpu.checkMemory(
      (nCopies + 2) * bytes,
      `A model of ${shape.nUsers} users, ${shape.nItems} items and ${shape.nFactors} factors`,
      nCopies * bytes,
    );
    this.param = gpu.allocate('param', nCopies * bytes);
    this.m = gpu.allocate('m', bytes);
    this.v = gpu.allocate('v', bytes);
  }

  /** Sets the parameters; the moments are left as they are. */
  writeTables(tables: Tables): void {
    this.layout.checkTables(tables);
    this.gpu.write(this.param, this.layout.pack(tables));
  }

  async readTables(): Promise<Tables> {
    return this.layout.unpack(await this.gpu.readFloats(this.param, 0, this.layout.nParams));
  }

  /** Parameters and moments, bit for bit. */
  async readState(): Promise<ModelState> {
    const {
      gpu,
      layout: { nParams },
    } = this;
    const [param, m, v] = await Promise.all([this.param, this.m, this.v].map((buffer) => gpu.readFloats(buffer, 0, nParams)));
    return { param: param!, m: m!, v: v! };
  }

  writeState(state: ModelState): void {
    for (const name of ['param', 'm', 'v'] as const) {
      if (state[name].length !== this.layout.nParams)
        throw new RangeError(`${name} must hold ${this.layout.nParams} values, not ${state[name].length}`);
      this.gpu.write(this[name], state[name]);
    }
  }

  release(): void {
    this.gpu.release(this.param, this.m, this.v);
  }
}
