/** What is read as it stands, but may mean something else: to be said, never changed. */
import { clip } from '../base/check.js';
import { isCanonical } from './id-column.js';

/** A few texts among so many times more whole numbers are probably no ids. */
const FEW = 3;
const MORE = 10;

/** Sentences on the ids of a column of text, given each once. */
export function notesOnIds(texts: readonly string[] | undefined, role: 'user' | 'item'): string[] {
  if (texts === undefined) return [];
  const notes: string[] = [];
  const others = firstOf(texts, (text) => !isCanonical(text), FEW + 1);
  if (others.length > 0 && others.length <= FEW && texts.length >= (MORE + 1) * others.length) {
    const list = others.map((text) => `'${clip(text)}'`).join(', ');
    notes.push(`The ${role}s are text because of ${list}; all other ${role}s are whole numbers.`);
  }
  const [padded] = firstOf(texts, (text) => text.trim() !== text, 1);
  if (padded !== undefined)
    notes.push(`There are ${role}s with spaces around them, such as '${clip(padded)}'; the spaces belong to the id.`);
  const [rounded] = firstOf(texts, (text) => text.includes('E+') && /^-?\d([.,]\d+)?E\+\d+$/.test(text), 1);
  if (rounded !== undefined) {
    notes.push(`There are ${role}s such as '${rounded}', as spreadsheets round long numbers: several may have become one.`);
  }
  return notes;
}

function firstOf(texts: readonly string[], isOne: (text: string) => boolean, most: number): string[] {
  const found: string[] = [];
  for (const text of texts) {
    if (!isOne(text)) continue;
    found.push(text);
    if (found.length === most) break;
  }
  return found;
}

/** Numbers that stand for no rating where all others are far from them. */
const PLACEHOLDERS = [0, -1, -99, -999, 99, 255, 999, 9999];

/**
 * A sentence on the value that may stand for no rating, if there is one: -1, -99 or -999 where no other rating is negative; 99,
 * 255, 999 or 9999 where the others are at most a fifth of it; 0 for a quarter of the ratings, where the others are whole.
 */
export function notesOnRatings(ratings: Float32Array): string[] {
  return extent(ratings).flatMap((value) => {
    if (!PLACEHOLDERS.includes(value)) return [];
    const rest = ratings.filter((rating) => rating !== value);
    const [lo, hi] = extent(rest);
    const count = ratings.length - rest.length;
    const isOften = value !== 0 || (4 * count >= ratings.length && rest.every(Number.isInteger));
    const isApart = value > 0 ? 5 * Math.max(-lo, hi) <= value : lo >= (value === 0 ? 1 : 0);
    if (lo >= hi || !isOften || !isApart) return [];
    const which = count === 1 ? `A rating is ${value}` : `${count} ratings are ${value}`;
    const range = `${Number(lo.toPrecision(7))} to ${Number(hi.toPrecision(7))}`;
    return `${which}, the others ${range}: if it stands for no rating, leave these rows out.`;
  });
}

/** A loop: spreading many million numbers overflows the stack. */
function extent(values: Float32Array): [lo: number, hi: number] {
  let [lo, hi] = [Infinity, -Infinity];
  for (let k = 0; k < values.length; k++) {
    if (values[k] < lo) lo = values[k];
    if (values[k] > hi) hi = values[k];
  }
  return [lo, hi];
}
