/** The tables of a model in parts, each of which trains a round without the others. */
import type { Deal } from '../data/deal.js';
import type { Ratings } from '../data/ratings.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Scope } from '../gpu/scope.js';
import { type ModelShape, RowLayout, type Rows, type Tables } from './layout.js';
import {
  type Block,
  checkLengths,
  checkState,
  EmbeddingTables,
  type ModelState,
  type ModelTables,
  type TableOptions,
  type TableSide,
} from './tables.js';

/** How the rows of both sides were dealt to equally many blocks. */
export interface Deals {
  readonly users: Deal;
  readonly items: Deal;
}

/** The sizes of every part of a model: room for the users of any part, and for the largest block of items in each slot. */
export function partShape(shape: ModelShape, { users, items }: Deals, nParts: number): ModelShape {
  const nSlots = users.nBlocks / nParts;
  return { ...shape, nUsers: mostRows(users, nSlots), nItems: nSlots * mostRows(items, 1) };
}

/** The most rows of any `n` blocks beside each other, of which the first is block 0, n, 2n and so on. */
function mostRows({ start, nBlocks }: Deal, n: number): number {
  let most = 0;
  for (let b = 0; b < nBlocks; b += n) most = Math.max(most, start[b + n] - start[b]);
  return most;
}

/**
 * The fewest parts of a model of which one binding holds a copy. They divide the number of blocks.
 * @returns 1: the model need not be divided; undefined: one part for each block would still be too large
 */
export function partsNeeded({ maxBinding }: Pick<Gpu, 'maxBinding'>, shape: ModelShape, deals: Deals): number | undefined {
  const { nBlocks } = deals.users;
  const fits = (part: ModelShape) => 4 * new RowLayout(part).nParams <= maxBinding;
  if (fits(shape)) return 1;
  for (let nParts = 2; nParts <= nBlocks; nParts++) {
    if (nBlocks % nParts === 0 && fits(partShape(shape, deals, nParts))) return nParts;
  }
  return undefined;
}

/**
 * A model of S blocks of users and S of items in P parts (P divides S), each an `EmbeddingTables` of one shape. Part p has the user
 * blocks p S/P to (p + 1) S/P - 1, one after the other, always. It has slots for S/P blocks of items, each with room for the largest;
 * item block b lies always in slot b mod (S/P) of the part that has it. Rows without a user or an item are zeros.
 *
 * In round k (k moves after all were home) part p has the item blocks of (u + k) mod S, u being its user blocks: it can train on
 * the ratings of user block u and that item block, for all its u, and needs no other part.
 */
export class PartedTables implements ModelTables {
  readonly layout: RowLayout;
  readonly users: TableSide;
  readonly parts: readonly EmbeddingTables[];
  /** The row of each user in the user table of their part, and of each item in the item table of whichever part has it. */
  readonly localUser: Uint32Array;
  readonly localItem: Uint32Array;
  version = 0;
  /** Moves since all blocks were home. */
  #round = 0;
  readonly #items: { deal: Deal; blocks: readonly Block[] };
  readonly #nSlots: number;
  readonly #slotRows: number;
  readonly #spareSlot: GPUBuffer;
  readonly #scope: Scope;

  /** @throws RangeError unless both sides have equally many blocks, a multiple of `nParts`; MemoryBudgetError, with nothing allocated */
  constructor(
    readonly gpu: Gpu,
    readonly shape: ModelShape,
    private readonly deals: Deals,
    nParts: number,
    { nCopies = 1, nState = 0 }: TableOptions = {},
  ) {
    const { users, items } = deals;
    if (users.nBlocks !== items.nBlocks || users.nBlocks % nParts !== 0) {
      throw new RangeError(`${users.nBlocks} blocks of users and ${items.nBlocks} of items cannot be dealt to ${nParts} parts.`);
    }
    this.layout = new RowLayout(shape);
    this.#nSlots = users.nBlocks / nParts;
    this.#slotRows = mostRows(items, 1);
    const part = partShape(shape, deals, nParts);
    const { nParams, rowStride } = new RowLayout(part);
    const slotBytes = 4 * rowStride * this.#slotRows;
    const what = `A model of ${shape.nUsers} users, ${shape.nItems} items and ${shape.nFactors} factors in ${nParts} parts`;
    gpu.checkMemory(4 * nParts * (nCopies + nState) * nParams + slotBytes, what, 4 * nParams);
    const scope = (this.#scope = gpu.scope());
    try {
      this.parts = Array.from({ length: nParts }, () => {
        const tables = new EmbeddingTables(gpu, part, { nCopies, nState });
        scope.onRelease(() => tables.release());
        return tables;
      });
      this.#spareSlot = scope.allocate('spare slot', slotBytes);
    } catch (error) {
      scope.release();
      throw error;
    }
    const firstUser = (block: number) => users.start[block] - users.start[block - (block % this.#nSlots)];
    this.localUser = users.place.map((place, row) => firstUser(users.block[row]) + place);
    this.localItem = items.place.map((place, row) => this.#slotOf(items.block[row]) * this.#slotRows + place);
    const userBlocks = Array.from({ length: users.nBlocks }, (_, b) => {
      return { buffer: this.parts[Math.floor(b / this.#nSlots)].param, firstRow: firstUser(b), nRows: rowsOf(users, b).length };
    });
    this.users = { deal: users, blocks: userBlocks };
    this.#items = { deal: items, blocks: this.#itemBlocks() };
  }

  get items(): TableSide {
    return this.#items;
  }

  placed({ users, items, ratings }: Ratings): Ratings {
    return { users: users.map((row) => this.localUser[row]), items: items.map((row) => this.localItem[row]), ratings };
  }

  /**
   * Ends a round: each part gives its first block of items, parameters and the optimiser's state, to the part before it, and gets into
   * the same slot that of the part after it. All are copies on the device, in one submission.
   */
  moveItems(): void {
    const slot = this.#slotOf(this.#round);
    const bytes = 4 * this.layout.rowStride;
    const [offset, size] = [bytes * this.#firstRowOf(slot), bytes * this.#slotRows];
    const recorder = this.gpu.record('move items');
    if (this.parts.length > 1) {
      for (let array = 0; array < this.parts[0].arrays.length; array++) {
        const buffers = this.parts.map((part) => part.arrays[array][1]);
        recorder.copy(buffers[0], offset, this.#spareSlot, 0, size);
        for (let p = 1; p < buffers.length; p++) recorder.copy(buffers[p], offset, buffers[p - 1], offset, size);
        recorder.copy(this.#spareSlot, 0, buffers.at(-1)!, offset, size);
      }
    }
    recorder.submit();
    this.#round = (this.#round + 1) % this.deals.items.nBlocks;
    this.#items.blocks = this.#itemBlocks();
    this.version++;
  }

  /** Puts all blocks where they were at first, by the rest of a pass's moves. */
  home(): void {
    while (this.#round > 0) this.moveItems();
  }

  writeTables(tables: Tables): void {
    this.layout.checkTables(tables);
    const { layout } = this;
    for (const { side, rows, part, firstRow } of this.#held()) {
      const packed = new Float32Array(rows.length * layout.rowStride);
      layout.packRows(sideOf(tables, side), packed, rows);
      this.gpu.write(part.param, packed, 4 * firstRow * layout.rowStride);
    }
    this.version++;
  }

  /** Block by block, each of a moment between two submissions. */
  async readTables(): Promise<Tables> {
    const { layout, shape } = this;
    const [users, items] = [layout.emptyRows(shape.nUsers), layout.emptyRows(shape.nItems)];
    for (const { side, rows, part, firstRow } of this.#held()) {
      const packed = await this.gpu.readFloats(part.param, firstRow * layout.rowStride, rows.length * layout.rowStride);
      layout.unpackRows(packed, side === 'users' ? users : items, rows);
    }
    return { userFactors: users.factors, itemFactors: items.factors, userBias: users.biases, itemBias: items.biases };
  }

  /** Block by block, each of a moment between two submissions. */
  async readState(): Promise<ModelState> {
    const { rowStride, nParams } = this.layout;
    const names = this.parts[0].arrays.map(([name]) => name);
    const state = Object.fromEntries(names.map((name) => [name, new Float32Array(nParams)])) as unknown as ModelState;
    for (const [array, name] of names.entries()) {
      for (const { first, rows, part, firstRow } of this.#held()) {
        const packed = await this.gpu.readFloats(part.arrays[array][1], firstRow * rowStride, rows.length * rowStride);
        rows.forEach((row, k) => state[name]!.set(packed.subarray(k * rowStride, (k + 1) * rowStride), (first + row) * rowStride));
      }
    }
    return state;
  }

  writeState(state: ModelState): void {
    const { rowStride } = this.layout;
    checkLengths(this.layout, this.parts[0].arrays, state);
    for (const { first, rows, part, firstRow } of this.#held()) {
      for (const [name, buffer] of part.arrays) {
        const packed = new Float32Array(rows.length * rowStride);
        rows.forEach((row, k) =>
          packed.set(state[name]!.subarray((first + row) * rowStride, (first + row + 1) * rowStride), k * rowStride),
        );
        this.gpu.write(buffer, packed, 4 * firstRow * rowStride);
      }
    }
    this.version++;
  }

  checkState(state: ModelState): void {
    checkState(this.layout, this.parts[0].arrays, state);
  }

  release(): void {
    this.#scope.release();
  }

  /** The slot of an item block. */
  #slotOf(block: number): number {
    return block % this.#nSlots;
  }

  /** A slot's first row, counted over both tables of a part. */
  #firstRowOf(slot: number): number {
    return this.parts[0].shape.nUsers + slot * this.#slotRows;
  }

  /** The part that has item block b in this round. */
  #holderOf(block: number): EmbeddingTables {
    const { nBlocks } = this.deals.items;
    return this.parts[Math.floor(((block - this.#round + nBlocks) % nBlocks) / this.#nSlots)];
  }

  #itemBlocks(): Block[] {
    const { items } = this.deals;
    return Array.from({ length: items.nBlocks }, (_, b) => {
      return { buffer: this.#holderOf(b).param, firstRow: this.#firstRowOf(this.#slotOf(b)), nRows: rowsOf(items, b).length };
    });
  }

  /** All blocks: their rows, which of the whole model's rows is row 0 of their side, and where they are as each is asked for. */
  *#held() {
    const { users, items } = this.deals;
    for (let b = 0; b < users.nBlocks; b++) {
      const part = this.parts[Math.floor(b / this.#nSlots)];
      yield { side: 'users', first: 0, rows: rowsOf(users, b), part, firstRow: this.users.blocks[b].firstRow } as const;
    }
    for (let b = 0; b < items.nBlocks; b++) {
      const firstRow = this.#firstRowOf(this.#slotOf(b));
      yield { side: 'items', first: this.shape.nUsers, rows: rowsOf(items, b), part: this.#holderOf(b), firstRow } as const;
    }
  }
}

/** The rows of a block. */
const rowsOf = ({ rows, start }: Deal, block: number) => rows.subarray(start[block], start[block + 1]);

function sideOf(tables: Tables, side: 'users' | 'items'): Rows {
  return side === 'users'
    ? { factors: tables.userFactors, biases: tables.userBias }
    : { factors: tables.itemFactors, biases: tables.itemBias };
}
