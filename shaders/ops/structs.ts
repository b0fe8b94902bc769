import { wgsl } from '../../src/gpu/wgsl.js';

/** One rating in a batch: the table rows of its user and its item, and the rating. 3 words in a buffer. */
export const ratingStruct = wgsl`
struct Rating { user: u32, item: u32, y: f32 }
`;
export const RATING_SIZE = 3;

/**
 * One table row that a batch touches, and where its ratings are: the members [begin, end) are positions in `ratings`.
 * A batch's ratings are grouped by row twice, by user and by item. 4 words in a buffer.
 */
export const touchStruct = wgsl`
struct Touch { row: u32, begin: u32, end: u32, isItem: u32 }
`;
export const TOUCH_SIZE = 4;
