/** The state of a model that trains in strata, block by block, however its tables lie: what checkpoints in blocks hold. */
import { DotbiasError } from '../base/errors.js';
import { blockSizes } from '../data/deal.js';
import { type Deals, PartedTables } from '../model/parted-tables.js';
import { rowsOfBlock } from '../model/table-side.js';
import type { ModelState } from '../model/tables.js';
import { type BlockSide, type BlocksIndex, checkIndex, type ReadBlock } from './checkpoint-blocks.js';
import type { FittedLearner } from './fit.js';

/** Some block of users or items. */
export interface BlockName {
  readonly side: BlockSide;
  readonly block: number;
}

type Learner = Pick<FittedLearner, 'embeddings' | 'trainer'>;

/** How a learner's users and items were dealt to blocks. @throws DotbiasError for one that trains without strata */
export function dealsOf({ trainer }: Learner): Deals {
  const { deals } = trainer.epochs;
  if (deals === undefined) throw new DotbiasError('A model that trains without strata has no blocks.');
  return deals;
}

/** The blocks that this process has: all, or those of a rank. */
export function ownBlocks(learner: Learner): BlockName[] {
  const { embeddings } = learner;
  if (embeddings instanceof PartedTables) return embeddings.heldBlocks().map(({ side, block }) => ({ side, block }));
  const { nBlocks } = dealsOf(learner).users;
  return (['users', 'items'] as const).flatMap((side) => Array.from({ length: nBlocks }, (_, block) => ({ side, block })));
}

/** Reads the blocks of this process, one at a time where the model is in parts. */
export async function readerOf(learner: Learner): Promise<ReadBlock> {
  const { embeddings } = learner;
  if (embeddings instanceof PartedTables) return (side, block) => embeddings.readBlock(side, block);
  const { rowStride } = embeddings.layout;
  const arrays: Float32Array[] = Object.values(await embeddings.readState());
  return async (side, block) => {
    const rows = rowsIn(learner, side, block);
    const values = new Float32Array(arrays.length * rows.length * rowStride);
    eachRow(arrays, rows, (array, row, k) => values.set(array.subarray(row * rowStride, (row + 1) * rowStride), k * rowStride));
    return values;
  };
}

/** Sets the state to that of the blocks, of which each process asks for its own. Every rank calls it. */
export async function writeBlocks(learner: Learner, readBlock: ReadBlock): Promise<void> {
  const { embeddings } = learner;
  await embeddings.home();
  if (embeddings instanceof PartedTables) {
    for (const { side, block } of ownBlocks(learner)) embeddings.writeBlock(side, block, await readBlock(side, block));
    return;
  }
  const { rowStride, nParams } = embeddings.layout;
  const state = Object.fromEntries(embeddings.parts[0].arrays.map(([name]) => [name, new Float32Array(nParams)])) as unknown as ModelState;
  for (const { side, block } of ownBlocks(learner)) {
    const values = await readBlock(side, block);
    eachRow(Object.values(state), rowsIn(learner, side, block), (array, row, k) => {
      array.set(values.subarray(k * rowStride, (k + 1) * rowStride), row * rowStride);
    });
  }
  embeddings.writeState(state);
}

/** Holds an index to a model. @throws FileFormatError that names the first difference */
export function checkBlocks(learner: Learner, index: BlocksIndex): void {
  const { embeddings } = learner;
  const { rowStride } = embeddings.layout;
  const { users, items } = dealsOf(learner);
  checkIndex(index, { users: blockSizes(users), items: blockSizes(items), nArrays: embeddings.parts[0].arrays.length, rowStride });
}

/** Rows of a block, counted over both tables of the whole model. */
function rowsIn(learner: Learner, side: BlockSide, block: number): Uint32Array {
  const rows = rowsOfBlock(dealsOf(learner)[side], block);
  return side === 'users' ? rows : rows.map((row) => learner.embeddings.shape.nUsers + row);
}

/** Calls `use` with each row of each array, and with its place in the state of the block that has these rows. */
function eachRow(arrays: readonly Float32Array[], rows: Uint32Array, use: (array: Float32Array, row: number, k: number) => void): void {
  arrays.forEach((array, a) => rows.forEach((row, j) => use(array, row, a * rows.length + j)));
}
