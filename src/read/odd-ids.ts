/** Ids that are read as they stand, but may mean something else: to be said, never changed. */
import { clip } from '../base/check.js';
import { isCanonical } from './id-column.js';

/** A few texts among so many times more whole numbers are probably no ids. */
const FEW = 3;
const MORE = 10;

/**
 * Sentences on the ids of a column of text, given each once in the order of their first appearance.
 *
 * @param count how many there are, where `texts` has only those that are no whole numbers
 */
export function notesOnIds(texts: readonly string[] | undefined, role: 'user' | 'item', count = texts?.length ?? 0): string[] {
  if (texts === undefined) return [];
  const notes: string[] = [];
  const others = firstOf(texts, (text) => !isCanonical(text), FEW + 1);
  if (others.length > 0 && others.length <= FEW && count >= (MORE + 1) * others.length) {
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
