/** Structs of storage buffers: each is declared here once, for WGSL and for the host. */
import { struct } from '../../src/gpu/struct.js';
import { idleStruct, type IdleOp, type OptimizerOp, rateStruct } from './optimizer.js';
import type { ScoreOp } from './score.js';

/** One rating in a batch: the table rows of its user and its item, and the rating. */
export const Rating = struct('Rating', { user: 'u32', item: 'u32', y: 'f32' });

/**
 * One table row that a batch touches, and where its ratings are: the members [begin, end) are positions in `ratings`.
 * A batch's ratings are grouped by row twice, by user and by item.
 */
export const Touch = struct('Touch', { row: 'u32', begin: 'u32', end: 'u32', isItem: 'u32' });

/** Of one rating: its loss, the gradient of the batch loss with respect to the score, and the score op's sum. */
export const outcomeStruct = ({ sum = 'f32' }: ScoreOp) => struct('Outcome', { loss: 'f32', dz: 'f32', sum });

/**
 * One row that a lazy step touches. row: 2 row + the copy of the parameters to read it in; the other copy is written. Its
 * ratings are the members [begin, end). The row is idle from the next step on to idleEnd - 1. All zeros: an empty slot.
 */
export const RowTouch = struct('RowTouch', { row: 'u32', begin: 'u32', end: 'u32', idleEnd: 'u32' });

/** Members of a chunk. A row with more of them is long: where rows have several lanes, its chunks are summed apart. */
export const CHUNK = 256;
/** A slot of `chunks` without a chunk. */
export const NO_CHUNK = 0xffffffff;

/** A rating as the owner of a touched row needs it: 2 row + copy of the row on the other side, and the rating. */
export const Member = struct('Member', { row: 'u32', y: 'f32' });

/** A rating as one of its sides has it: its own row, the row on the other side, and the rating. */
export const SideRating = struct('SideRating', { row: 'u32', other: 'u32', y: 'f32' });

/**
 * What lazy steps need of a step: its rate, its numbers of the closed form, and the sums, over the steps of the window before it,
 * of log beta1 (x + y) and of log(1 - lr wd) (z + w), each as two floats;
 * and where its touches and
 * its members begin. Biases that decay at a rate of their own have a closed form and sums of their own.
 */
export const stepStruct = (optimizer: OptimizerOp, idle: IdleOp, ownBiasDecay: boolean) =>
  struct('Step', {
    rate: rateStruct(optimizer),
    factors: idleStruct(idle),
    logs: 'vec4f',
    firstTouch: 'u32',
    firstMember: 'u32',
    ...(ownBiasDecay && { biases: idleStruct(idle), biasLogs: 'vec2f' as const }),
  });

/** Losses [begin, end) that belong together, such as a batch's. */
export const Segment = struct('Segment', { begin: 'u32', end: 'u32' });

/** A rating of a user who is folded in: the item's row among the items, and the rating. */
export const Given = struct('Given', { item: 'u32', y: 'f32' });

/** A row to copy, and its place where it is wanted. */
export const RowCopy = struct('RowCopy', { row: 'u32', place: 'u32' });

/** A user whose list is asked for: the row of users, and the items to leave out, excluded[begin .. end). */
export const Asked = struct('Asked', { row: 'u32', begin: 'u32', end: 'u32' });
