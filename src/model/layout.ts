/** Sizes of an EmbeddingDotBias model. `nUsers` and `nItems` count the `#na#` row 0 of each table. */
export interface ModelShape {
  readonly nUsers: number;
  readonly nItems: number;
  readonly nFactors: number;
  /** False for a model of factors only. */
  readonly hasBias: boolean;
}

/** Bytes of all factors and biases, in float32. */
export const parameterBytes = ({ nUsers, nItems, nFactors }: ModelShape): number => 4 * (nUsers + nItems) * (nFactors + 1);

/** The largest parameter, either way: a product of two such numbers, summed over all factors, is still a float32. */
export const MAX_PARAM = 1e15;

/** The four embedding tables, row-major: factors [n, nFactors], biases [n]. */
export interface Tables {
  userFactors: Float32Array;
  itemFactors: Float32Array;
  userBias: Float32Array;
  itemBias: Float32Array;
}

/** Rows of one side: factors [n, nFactors] and biases [n], zeros in a model without biases. */
export interface Rows {
  factors: Float32Array;
  biases: Float32Array;
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
    this.rowVecs = this.factorVecs + (shape.hasBias ? 1 : 0);
    this.rowStride = 4 * this.rowVecs;
    this.biasColumn = 4 * this.factorVecs;
    this.nParams = this.nRows * this.rowStride;
  }

  /** The whole model, [nRows, rowStride]. @throws RangeError if a table has another size than the shape says */
  pack(tables: Tables): Float32Array<ArrayBuffer> {
    this.checkTables(tables);
    const packed = new Float32Array(this.nParams);
    const items = this.shape.nUsers * this.rowStride;
    this.packRows({ factors: tables.userFactors, biases: tables.userBias }, packed.subarray(0, items));
    this.packRows({ factors: tables.itemFactors, biases: tables.itemBias }, packed.subarray(items));
    return packed;
  }

  /** The inverse of `pack`. */
  unpack(packed: Float32Array): Tables {
    const items = this.shape.nUsers * this.rowStride;
    const [users, rest] = [this.unpackRows(packed.subarray(0, items)), this.unpackRows(packed.subarray(items))];
    return { userFactors: users.factors, itemFactors: rest.factors, userBias: users.biases, itemBias: rest.biases };
  }

  /** Writes n rows, [n, rowStride]: all, or those that `which` names. */
  packRows(
    { factors, biases }: { factors: ArrayLike<number>; biases: ArrayLike<number> },
    out: Float32Array<ArrayBuffer>,
    which?: Uint32Array,
  ): void {
    const { nFactors, hasBias } = this.shape;
    for (let k = 0; k < (which ?? biases).length; k++) {
      const [at, r] = [k * this.rowStride, which ? which[k] : k];
      for (let f = 0; f < nFactors; f++) out[at + f] = factors[r * nFactors + f];
      if (hasBias) out[at + this.biasColumn] = biases[r];
    }
  }

  /** The inverse of `packRows`: new rows, or those of `rows` that `which` names. */
  unpackRows(packed: Float32Array, rows = this.emptyRows(packed.length / this.rowStride), which?: Uint32Array): Rows {
    const { nFactors, hasBias } = this.shape;
    for (let k = 0; k < packed.length / this.rowStride; k++) {
      const [at, r] = [k * this.rowStride, which ? which[k] : k];
      rows.factors.set(packed.subarray(at, at + nFactors), r * nFactors);
      if (hasBias) rows.biases[r] = packed[at + this.biasColumn];
    }
    return rows;
  }

  /** n rows of zeros. */
  emptyRows(n: number): Rows {
    return { factors: new Float32Array(n * this.shape.nFactors), biases: new Float32Array(n) };
  }

  /** @throws RangeError for a table of the wrong size or with a value that is not a finite number up to `MAX_PARAM` */
  checkTables(tables: Tables): void {
    const { nUsers, nItems, nFactors } = this.shape;
    const wanted = { userFactors: nUsers * nFactors, itemFactors: nItems * nFactors, userBias: nUsers, itemBias: nItems };
    for (const [name, length] of Object.entries(wanted) as [keyof Tables, number][]) {
      const values = tables[name];
      if (values?.length !== length) throw new RangeError(`${name} must hold ${length} values, not ${values?.length}.`);
      for (let i = 0; i < length; i++) {
        if (!(Math.abs(values[i]) <= MAX_PARAM))
          throw new RangeError(`${name}[${i}] is ${values[i]}, not a finite number up to ${MAX_PARAM}.`);
      }
    }
  }
}
