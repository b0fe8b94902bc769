/** A column by its name in the header (or Parquet schema, or JSON) or by its position, from 0. */
export type ColumnChoice = string | number;

/** How ratings are read: how the text is written, which columns to take, what to do with a malformed row; all optional. */
export interface ReadOptions {
  /**
   * Separator of the fields; `\t` may be written as two characters, and a space stands for any run of spaces. Default: the
   * first of `::`, tab, `,`, `;`, `|` and space that splits the first lines into equally many fields, enough of them, with a
   * number for the rating.
   */
  delimiter?: string | undefined;
  /** Whether the first line holds the names of the columns. Default: it does if none of its fields is a number. */
  header?: boolean | undefined;
  /**
   * Encoding of text, by a name that `TextDecoder` knows, such as utf-8, latin1, utf-16le or shift_jis. A byte order mark
   * wins. Default utf-8.
   */
  encoding?: string | undefined;
  /** Column of the users. Default: one with a name such as user, userId or user_id; in a file without such names, position 0. */
  userColumn?: ColumnChoice | undefined;
  /** Column of the items. Default: one with a name such as item, itemId, movieId or product_id; else position 1. */
  itemColumn?: ColumnChoice | undefined;
  /** Column of the ratings. Default: one with a name such as rating, score or stars; else position 2. */
  ratingColumn?: ColumnChoice | undefined;
  /**
   * Column of the times: numbers, or dates, which become seconds since 1970; null: none. A time of a column that is named
   * here makes its row malformed if it cannot be read. Default: a column with a name such as timestamp, time or date, else
   * position 3; if any of its times cannot be read, the ratings have no times.
   */
  timestampColumn?: ColumnChoice | null | undefined;
  /**
   * True: all ratings are one person's. There need be no column of users (the user is then 0), a table of two columns is
   * item and rating, and titles are taken from a column of them. Default false.
   */
  onePerson?: boolean | undefined;
  /** Column of the titles of the items, see `onePerson`; null: none. Default: one with a name such as title. */
  titleColumn?: ColumnChoice | null | undefined;
  /** The lowest and the highest rating allowed; a rating outside makes its row malformed. Default: any finite number. */
  ratingRange?: readonly [lo: number, hi: number] | undefined;
  /** True: leave malformed rows out and count them, instead of throwing at the first. Default false. */
  skipBadRows?: boolean | undefined;
  /** True: take ids as text even if all are whole numbers. Default false. */
  textIds?: boolean | undefined;
}

/** Names of all `ReadOptions`. */
export const READ_OPTIONS: readonly (keyof ReadOptions)[] = [
  ...(['delimiter', 'header', 'encoding', 'userColumn', 'itemColumn', 'ratingColumn', 'timestampColumn'] as const),
  ...(['onePerson', 'titleColumn', 'ratingRange', 'skipBadRows', 'textIds'] as const),
];
