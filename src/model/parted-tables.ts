/** The tables of a model in parts, each of which trains a round without the others. */
import { DotbiasError } from '../base/errors.js';
import { ALONE, type Ring } from '../base/ring.js';
import { type Deal, dealEvenly } from '../data/deal.js';
import type { Ratings } from '../data/ratings.js';
import type { Gpu } from '../gpu/gpu.js';
import type { Scope } from '../gpu/scope.js';
import { initialRows } from './initial.js';
import { type ModelShape, RowLayout, type Rows, type Tables } from './layout.js';
import { type Block, rowsOfBlock, TableSide } from './table-side.js';
import {
  checkLengths,
  checkState,
  EmbeddingTables,
  fitsOneBinding,
  type ModelState,
  type ModelTables,
  type TableOptions,
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
 * The fewest parts of a model of which one binding holds a copy. They divide the number of blocks, and are a multiple of the ranks.
 * @returns 1: the model need not be divided; undefined: one part for each block would still be too large
 */
export function partsNeeded(gpu: Pick<Gpu, 'maxBinding'>, shape: ModelShape, deals: Deals, nRanks = 1): number | undefined {
  const { nBlocks } = deals.users;
  if (nRanks === 1 && fitsOneBinding(gpu, shape)) return 1;
  for (let nParts = Math.max(2, nRanks); nParts <= nBlocks; nParts += nRanks) {
    if (nBlocks % nParts === 0 && fitsOneBinding(gpu, partShape(shape, deals, nParts))) return nParts;
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
  readonly items: TableSide;
  /** Those that this process has: all, or on each rank of a ring equally many, one after the other. */
  readonly parts: readonly EmbeddingTables[];
  /** The row of each user in the user table of their part, and of each item in the item table of whichever part has it. */
  readonly localUser: Uint32Array;
  readonly localItem: Uint32Array;
  version = 0;
  /** Moves since all blocks were home. */
  #round = 0;
  readonly #firstPart: number;
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
    /** The processes that have the other parts. */
    readonly ring: Ring = ALONE,
  ) {
    const { users, items } = deals;
    if (users.nBlocks !== items.nBlocks || users.nBlocks % nParts !== 0 || nParts % ring.size !== 0) {
      throw new RangeError(`${users.nBlocks} blocks of users and ${items.nBlocks} of items cannot be dealt to ${nParts} parts.`);
    }
    this.layout = new RowLayout(shape);
    this.#nSlots = users.nBlocks / nParts;
    this.#slotRows = mostRows(items, 1);
    const part = partShape(shape, deals, nParts);
    const { nParams, rowStride } = new RowLayout(part);
    const slotBytes = 4 * rowStride * this.#slotRows;
    const what = `A model of ${shape.nUsers} users, ${shape.nItems} items and ${shape.nFactors} factors in ${nParts} parts`;
    const nOwn = nParts / ring.size;
    this.#firstPart = nOwn * ring.rank;
    gpu.checkMemory(4 * nOwn * (nCopies + nState) * nParams + slotBytes, what, 4 * nParams);
    const scope = (this.#scope = gpu.scope());
    try {
      this.parts = Array.from({ length: nOwn }, () => {
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
    const userBlocks = Array.from({ length: users.nBlocks }, (_, b) =>
      blockOf(this.#part(Math.floor(b / this.#nSlots)), firstUser(b), rowsOfBlock(users, b).length),
    );
    this.users = new TableSide(users, userBlocks);
    this.items = new TableSide(items, this.#itemBlocks());
  }

  placed({ users, items, ratings }: Ratings): Ratings {
    return { users: users.map((row) => this.localUser[row]), items: items.map((row) => this.localItem[row]), ratings };
  }

  /**
   * Ends a round: each part gives its first block of items, parameters and the optimiser's state, to the part before it, and gets into
   * the same slot that of the part after it. Within a process they are copied on the device; what leaves it goes over the ring.
   */
  async moveItems(): Promise<void> {
    const slot = this.#slotOf(this.#round);
    const { rowStride } = this.layout;
    const [first, n] = [rowStride * this.#firstRowOf(slot), rowStride * this.#slotRows];
    const [offset, size] = [4 * first, 4 * n];
    const arrays = this.parts[0].arrays.map((_, array) => this.parts.map((part) => part.arrays[array][1]));
    const leaving =
      this.ring.size > 1
        ? await this.#read(
            arrays.map(([buffer]) => buffer),
            first,
            n,
          )
        : undefined;
    const recorder = this.gpu.record('move items');
    for (const buffers of arrays) {
      const isCycle = leaving === undefined && buffers.length > 1;
      if (isCycle) recorder.copy(buffers[0], offset, this.#spareSlot, 0, size);
      for (let p = 1; p < buffers.length; p++) recorder.copy(buffers[p], offset, buffers[p - 1], offset, size);
      if (isCycle) recorder.copy(this.#spareSlot, 0, buffers.at(-1)!, offset, size);
    }
    recorder.submit();
    this.#round = (this.#round + 1) % this.deals.items.nBlocks;
    this.items.blocks = this.#itemBlocks();
    if (leaving) {
      const coming = new Float32Array(leaving.length);
      await this.ring.shift(new Uint8Array(leaving.buffer), new Uint8Array(coming.buffer));
      arrays.forEach((buffers, k) => this.gpu.write(buffers.at(-1)!, coming.subarray(k * n, (k + 1) * n), offset));
    }
  }

  /** Puts all blocks where they were at first, by the rest of a pass's moves. */
  async home(): Promise<void> {
    while (this.#round > 0) await this.moveItems();
  }

  /** The same floats of several buffers, one after the other. */
  async #read(buffers: readonly GPUBuffer[], first: number, n: number): Promise<Float32Array<ArrayBuffer>> {
    const out = new Float32Array(buffers.length * n);
    const all = await Promise.all(buffers.map((buffer) => this.gpu.readFloats(buffer, first, n)));
    all.forEach((floats, k) => out.set(floats, k * n));
    return out;
  }

  writeTables(tables: Tables): void {
    this.layout.checkTables(tables);
    this.#writeParam(({ side, rows }, out) => this.layout.packRows(sideOf(tables, side), out, rows));
  }

  writeInitial(seed: number): void {
    const { nFactors } = this.shape;
    this.#writeParam(({ side, rows }, out) => this.layout.packRows(initialRows(side, rows, nFactors, seed), out));
  }

  #writeParam(pack: (held: Held, out: Float32Array<ArrayBuffer>) => void): void {
    const { rowStride } = this.layout;
    for (const held of this.#held()) {
      const packed = new Float32Array(held.rows.length * rowStride);
      pack(held, packed);
      this.gpu.write(held.part.param, packed, 4 * held.firstRow * rowStride);
    }
    this.version++;
  }

  /** Block by block, each of a moment between two submissions. @throws DotbiasError on a rank, which has a share of the model only */
  async readTables(): Promise<Tables> {
    this.#refuseShare();
    return (await this.gatherTables())!;
  }

  /** As `readTables`; on several ranks every one calls it, and rank 0 alone gets the whole, in small pieces, and the others nothing. */
  async gatherTables(): Promise<Tables | undefined> {
    const { layout, shape, ring } = this;
    const { rowStride } = layout;
    if (ring.size > 1) await this.home();
    const tables = ring.rank === 0 ? { users: layout.emptyRows(shape.nUsers), items: layout.emptyRows(shape.nItems) } : undefined;
    const most = Math.max(1, Math.floor(GATHERED_BYTES / (4 * rowStride)));
    for (const side of ['users', 'items'] as const) {
      const deal = this.deals[side];
      const [perRank, nRows] = [deal.nBlocks / ring.size, mostRows(deal, 1)];
      for (let b = 0; b < perRank; b++) {
        const own = this.#find(side, ring.rank * perRank + b);
        for (let from = 0; from < nRows; from += most) {
          const end = Math.min(from + most, nRows);
          const packed = new Float32Array((end - from) * rowStride);
          const n = Math.min(end, own.rows.length) - from;
          if (n > 0) packed.set(await this.gpu.readFloats(own.part.param, (own.firstRow + from) * rowStride, n * rowStride));
          const all = new Float32Array((await ring.gather(new Uint8Array(packed.buffer))).slice().buffer);
          if (!tables) continue;
          for (let rank = 0; rank < ring.size; rank++) {
            const rows = rowsOfBlock(deal, rank * perRank + b).subarray(from, end);
            const first = rank * packed.length;
            layout.unpackRows(all.subarray(first, first + rows.length * rowStride), tables[side], rows);
          }
        }
      }
    }
    if (!tables) return undefined;
    const { users, items } = tables;
    return { userFactors: users.factors, itemFactors: items.factors, userBias: users.biases, itemBias: items.biases };
  }

  /** Block by block, each of a moment between two submissions. */
  async readState(): Promise<ModelState> {
    this.#refuseShare();
    const { rowStride, nParams } = this.layout;
    const names = this.parts[0].arrays.map(([name]) => name);
    const state = Object.fromEntries(names.map((name) => [name, new Float32Array(nParams)])) as unknown as ModelState;
    for (const held of this.#held()) {
      const read = await this.#readBlock(held);
      eachRow(held, names, (name, row, k) => state[name]!.set(read.subarray(k * rowStride, (k + 1) * rowStride), row * rowStride));
    }
    return state;
  }

  writeState(state: ModelState): void {
    const { rowStride } = this.layout;
    const { arrays } = this.parts[0];
    checkLengths(this.layout, arrays, state);
    const names = arrays.map(([name]) => name);
    for (const held of this.#held()) {
      const block = new Float32Array(names.length * held.rows.length * rowStride);
      eachRow(held, names, (name, row, k) => block.set(state[name]!.subarray(row * rowStride, (row + 1) * rowStride), k * rowStride));
      this.#writeBlock(held, block);
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
  #holderOf(block: number): EmbeddingTables | undefined {
    const { nBlocks } = this.deals.items;
    return this.#part(Math.floor(((block - this.#round + nBlocks) % nBlocks) / this.#nSlots));
  }

  /** A part of the model; undefined if another process has it. */
  #part(part: number): EmbeddingTables | undefined {
    return this.parts[part - this.#firstPart];
  }

  #itemBlocks(): Block[] {
    const { items } = this.deals;
    return Array.from({ length: items.nBlocks }, (_, b) =>
      blockOf(this.#holderOf(b), this.#firstRowOf(this.#slotOf(b)), rowsOfBlock(items, b).length),
    );
  }

  /** The blocks of this process, and where they are as each is asked for. */
  *#held(): Generator<Held> {
    const { users, items } = this.deals;
    for (let block = 0; block < users.nBlocks; block++) {
      const part = this.#part(Math.floor(block / this.#nSlots));
      const { firstRow } = this.users.blocks[block];
      if (part) yield { side: 'users', block, first: 0, rows: rowsOfBlock(users, block), part, firstRow };
    }
    for (let block = 0; block < items.nBlocks; block++) {
      const part = this.#holderOf(block);
      const firstRow = this.#firstRowOf(this.#slotOf(block));
      if (part) yield { side: 'items', block, first: this.shape.nUsers, rows: rowsOfBlock(items, block), part, firstRow };
    }
  }

  /** The blocks that this process has now, and the rows of each. */
  heldBlocks(): { side: 'users' | 'items'; block: number; rows: Uint32Array }[] {
    return Array.from(this.#held(), ({ side, block, rows }) => ({ side, block, rows }));
  }

  /** Parameters, then the optimiser's state, of a block that this process has, [arrays, rows, rowStride]. */
  async readBlock(side: 'users' | 'items', block: number): Promise<Float32Array<ArrayBuffer>> {
    return this.#readBlock(this.#find(side, block));
  }

  /** The inverse of `readBlock`. */
  writeBlock(side: 'users' | 'items', block: number, state: Float32Array<ArrayBuffer>): void {
    this.#writeBlock(this.#find(side, block), state);
    this.version++;
  }

  #readBlock({ part, firstRow, rows }: Held): Promise<Float32Array<ArrayBuffer>> {
    const { rowStride } = this.layout;
    const buffers = part.arrays.map(([, buffer]) => buffer);
    return this.#read(buffers, firstRow * rowStride, rows.length * rowStride);
  }

  #writeBlock({ part, firstRow, rows }: Held, state: Float32Array<ArrayBuffer>): void {
    const { rowStride } = this.layout;
    const n = rows.length * rowStride;
    part.arrays.forEach(([, buffer], k) => this.gpu.write(buffer, state.subarray(k * n, (k + 1) * n), 4 * firstRow * rowStride));
  }

  #find(side: 'users' | 'items', block: number): Held {
    for (const held of this.#held()) if (held.side === side && held.block === block) return held;
    throw new RangeError(`Block ${block} of the ${side} is not on this rank.`);
  }

  #refuseShare(): void {
    if (this.ring.size > 1)
      throw new DotbiasError(`Each of ${this.ring.size} ranks has a share of this model only: save it, and read the file.`);
  }
}

/** Bytes of a rank that are gathered at once. */
const GATHERED_BYTES = 2 ** 22;

/** A block that this process has: its rows, counted in the whole model from `first` on, and where they are. */
interface Held {
  readonly side: 'users' | 'items';
  readonly block: number;
  readonly first: number;
  readonly rows: Uint32Array;
  readonly part: EmbeddingTables;
  readonly firstRow: number;
}

/** Calls `use` with each row of the whole model that a block has, array by array, and with its place in the block's state. */
function eachRow(
  { first, rows }: Held,
  names: readonly (keyof ModelState)[],
  use: (name: keyof ModelState, row: number, k: number) => void,
) {
  names.forEach((name, array) => rows.forEach((row, r) => use(name, first + row, array * rows.length + r)));
}

/** A block of a part; what is on another rank cannot be read here. */
function blockOf(part: EmbeddingTables | undefined, firstRow: number, nRows: number): Block {
  return {
    firstRow,
    nRows,
    get buffer() {
      if (part) return part.param;
      throw new DotbiasError('These rows of the model are on another rank: save it, and read the file.');
    },
  };
}

function sideOf(tables: Tables, side: 'users' | 'items'): Rows {
  return side === 'users'
    ? { factors: tables.userFactors, biases: tables.userBias }
    : { factors: tables.itemFactors, biases: tables.itemBias };
}

/** Tables of a model that is only read: whole, or in the fewest parts of consecutive rows of which one binding holds each. */
export function tablesToRead(gpu: Gpu, shape: ModelShape): ModelTables {
  const { nParams } = new RowLayout(shape);
  const least = Math.ceil((4 * nParams) / gpu.maxBinding);
  for (let nParts = least; nParts > 1 && nParts < 2 * least; nParts++) {
    const deals = { users: dealEvenly(shape.nUsers, nParts), items: dealEvenly(shape.nItems, nParts) };
    if (partsNeeded(gpu, shape, deals) !== undefined) return new PartedTables(gpu, shape, deals, nParts);
  }
  return new EmbeddingTables(gpu, shape);
}
