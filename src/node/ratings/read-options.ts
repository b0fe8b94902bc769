import type { FieldOptions } from './rating-fields.js';
import type { DialectOptions } from './table-reader.js';

/** How ratings are read from a file: its dialect, its columns, and what to do with a malformed row; all optional. */
export interface ReadRatingsOptions extends DialectOptions, FieldOptions {
  /** The lowest and the highest rating allowed; a rating outside makes its row malformed. Default: any finite number. */
  ratingRange?: readonly [lo: number, hi: number] | undefined;
  /** True: leave malformed rows out and count them, instead of throwing at the first. Default false. */
  skipBadRows?: boolean | undefined;
  /** True: take ids as text even if all are integers. Default false. */
  textIds?: boolean | undefined;
  /** The stream to read where the source is `-`. Default: standard input. */
  stdin?: NodeJS.ReadableStream | undefined;
}

/** Names of all `ReadRatingsOptions`. */
export const READ_OPTIONS: readonly (keyof ReadRatingsOptions)[] = [
  'delimiter',
  'header',
  'userColumn',
  'itemColumn',
  'ratingColumn',
  'timestampColumn',
  'onePerson',
  'ratingRange',
  'skipBadRows',
  'textIds',
  'stdin',
];
