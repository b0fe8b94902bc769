/** Which file of an archive holds the ratings, and which their titles. */
import { clip } from '../base/check.js';
import { DataError } from '../base/errors.js';
import { LAYOUTS, type Layout } from './titles.js';

/** What an archive holds, by the names of its files. */
export interface ArchiveChoice {
  ratings: string;
  /** The layout of MovieLens that it has, and the file of titles, if there is one. */
  layout?: Layout | undefined;
  titles?: string | undefined;
  /** What to tell the reader of the result about the choice, a sentence. */
  note?: string | undefined;
}

/** Files that come along. */
const ASIDE =
  /^(read[-_ ]?me|licen[cs]e|copying|changelog|changes|citation)\b|\.(md|html?|pdf|docx?|rtf|bib|sh|pl|py|ipynb|png|jpe?g|svg)$/i;
/** Names to list in a message. */
const LISTED = 12;

/** @throws DataError if it is unclear which of the files holds ratings, or none does */
export function chooseInArchive(names: readonly string[], label: string): ArchiveChoice {
  const files = names.filter((name) => !/(^|\/)(__MACOSX\/|\.)/.test(name));
  for (const layout of LAYOUTS) {
    const found = files.filter((name) => baseOf(name).replace(/\.gz$/, '') === layout.ratings);
    if (found.length > 1) throw unclear(found, label);
    if (found.length === 0) continue;
    const folder = found[0].slice(0, -baseOf(found[0]).length);
    return { ratings: found[0], layout, titles: files.find((name) => name === folder + layout.titles) };
  }
  const tables = files.filter((name) => baseOf(name) !== '' && !ASIDE.test(baseOf(name)));
  if (tables.length === 1) return { ratings: tables[0] };
  const rated = tables.filter((name) => /rating/i.test(baseOf(name)));
  if (rated.length !== 1) throw unclear(tables, label);
  return { ratings: rated[0], note: `${label}: of its ${tables.length} files '${rated[0]}' was read.` };
}

function unclear(names: readonly string[], label: string): DataError {
  if (names.length === 0) return new DataError('The archive holds no file of ratings.', { file: label });
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  const list = names
    .slice(0, LISTED)
    .map((name) => clip(name))
    .join(', ');
  return new DataError(`It is unclear which file of the archive holds the ratings: ${list}${more}; unpack it and name one.`, {
    file: label,
  });
}

const baseOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
