/** Titles as people write them: two spellings of one film, and which item a title is of. */
import type { Id } from '../data/ids.js';

/** A title without what differs from one catalogue to the next. */
interface PlainTitle {
  /** Words without case, accents and punctuation, the article in front. */
  words: string;
  /** The year in brackets at its end. */
  year: number | undefined;
}

/** An article that a catalogue has moved behind the title, or behind the part of it before a bracket. */
const MOVED_ARTICLE = /^(.+), (the|an?|il|lo|la|le|les|l'|el|los|las|un|une|una|der|die|das|den|det|en|ett|o|os|as)(?= *[([]|$)/i;

function plain(title: string): PlainTitle {
  const [, name = title, year] = /^(.*\S)\s*\((\d{4})\)\s*$/s.exec(title) ?? [];
  const words = name
    .trim()
    .replace(MOVED_ARTICLE, '$2 $1')
    .normalize('NFKD')
    .replace(/[\p{M}'\u2019]+/gu, '')
    .replace(/&/g, ' and ')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  return { words: words === '' ? name.trim() : words, year: year === undefined ? undefined : Number(year) };
}

/** Words too frequent to tell one title from another. */
const FREQUENT = new Set(['the', 'a', 'an', 'of', 'and', 'in', 'to', 'on', 'la', 'le', 'les', 'el', 'il', 'der', 'die', 'das']);

/**
 * Whether two titles may be of the same film: the years do not differ by more than one, and both have more than half of the
 * words of the one that has fewer.
 */
export function agree(a: string, b: string): boolean {
  const [one, other] = [plain(a), plain(b)];
  if (one.words === other.words) return sameYear(one, other, 1);
  const [words, others] = [one, other].map((title) => new Set(title.words.split(' ').filter((word) => !FREQUENT.has(word))));
  const shared = [...words].filter((word) => others.has(word)).length;
  return 2 * shared > Math.min(words.size, others.size) && sameYear(one, other, 1);
}

/** Years that are known differ by no more than `most`: catalogues date a film by its making or its release. */
function sameYear(a: PlainTitle, b: PlainTitle, most: number): boolean {
  return a.year === undefined || b.year === undefined || Math.abs(a.year - b.year) <= most;
}

/** Finds items by title. */
export class TitleIndex {
  readonly #exact = new Map<string, Id[]>();
  readonly #plain = new Map<string, (PlainTitle & { id: Id })[]>();

  constructor(titles: ReadonlyMap<Id, string>) {
    for (const [id, title] of titles) {
      push(this.#exact, title, id);
      const entry = { ...plain(title), id };
      push(this.#plain, entry.words, entry);
    }
  }

  /**
   * The items of this title, letter for letter; if there are none, those whose titles differ from it only in case, accents,
   * punctuation, the place of the article, or a year that one of the two lacks.
   */
  find(title: string): readonly Id[] {
    const exact = this.#exact.get(title);
    if (exact !== undefined) return exact;
    const wanted = plain(title);
    const found = this.#plain.get(wanted.words) ?? [];
    const dated = found.filter(({ year }) => year !== undefined && year === wanted.year);
    return (dated.length > 0 ? dated : found.filter((entry) => sameYear(entry, wanted, 0))).map(({ id }) => id);
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
