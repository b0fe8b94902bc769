/** The layouts in which GroupLens publishes MovieLens, and the titles in them. */
import type { Id } from '../data/ids.js';
import { splitFields } from './dialect.js';
import { isCanonical } from './id-column.js';

/** ml-100k; ml-latest and ml-20m to ml-32m; ml-1m and ml-10m. */
export const LAYOUTS = [
  { ratings: 'u.data', pattern: /^u\.data$|^u[1-5ab]\.(base|test)$/, titles: 'u.item', delimiter: '|', quoted: false },
  { ratings: 'ratings.csv', pattern: /^ratings\.csv$/, titles: 'movies.csv', delimiter: ',', quoted: true },
  { ratings: 'ratings.dat', pattern: /^ratings\.dat$/, titles: 'movies.dat', delimiter: '::', quoted: false },
] as const;

export type Layout = (typeof LAYOUTS)[number];

/** The layout that a file of ratings belongs to by its name. */
export function layoutOf(name: string): Layout | undefined {
  return LAYOUTS.find(({ pattern }) => pattern.test(name));
}

/** Titles by item id. Those of ml-100k and ml-1m are in Latin-1, the others in UTF-8. */
export function parseTitles(bytes: Uint8Array, { delimiter, quoted }: Layout): Map<Id, string> {
  const titles = new Map<Id, string>();
  for (const line of decode(bytes).split(/\r?\n/)) {
    const [id, title] = quoted ? splitFields(line, delimiter) : line.split(delimiter);
    // As ids of ratings are read: 0114508 is text.
    if (/^\d+$/.test(id) && title !== undefined) titles.set(isCanonical(id) ? Number(id) : id, title);
  }
  return titles;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}
