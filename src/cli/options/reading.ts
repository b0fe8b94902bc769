import type { Command } from 'commander';
import type { ColumnChoice, ReadOptions } from '../../read/options.js';
import { range } from './numbers.js';

/** How a file of ratings is read. */
export interface ReadingFlags {
  userColumn?: ColumnChoice | undefined;
  itemColumn?: ColumnChoice | undefined;
  ratingColumn?: ColumnChoice | undefined;
  timestampColumn?: ColumnChoice | undefined;
  titleColumn?: ColumnChoice | undefined;
  ratingRange?: [lo: number, hi: number] | undefined;
  delimiter?: string | undefined;
  encoding?: string | undefined;
  header: boolean;
  skipBadRows?: boolean | undefined;
  textIds?: boolean | undefined;
}

/** Adds `ReadingFlags`; for the ratings of one person a column of titles in place of those of users and times. */
export function addReadingOptions(command: Command, onePerson = false): Command {
  if (!onePerson) {
    command
      .option('--user-column <name>', 'column of the users: its name, or its position from 0 (default: found by its name, else 0)', column)
      .option('--timestamp-column <name>', "column of the times; 'none': there are none (default: found by its name, else 3)", column);
  }
  if (onePerson)
    command.option('--title-column <name>', "column of the titles; 'none': there are none (default: found by its name)", column);
  return command
    .option(
      '--item-column <name>',
      'column of the items: its name, or its position from 0 (default: found by its name, else by position)',
      column,
    )
    .option('--rating-column <name>', 'column of the ratings (default: found by its name, else by position)', column)
    .option('--rating-range <lo,hi>', 'refuse ratings outside this range (default: any number is a rating)', range)
    .option('--delimiter <text>', 'what separates the fields (default: detected)')
    .option('--encoding <name>', 'encoding of text, such as latin1 or utf-16le (default: utf-8, or as a byte order mark says)')
    .option('--no-header', 'the first line is data (default: detected)')
    .option('--skip-bad-rows', 'leave malformed rows out and count them, instead of stopping at the first')
    .option('--text-ids', 'take ids as text, even if all are whole numbers');
}

const column = (text: string): ColumnChoice => (/^\d+$/.test(text) ? Number(text) : text);

/** The flags as options of the reader. */
export function readingOptions(flags: ReadingFlags): ReadOptions {
  const { userColumn, itemColumn, ratingColumn, ratingRange, delimiter, encoding, header, skipBadRows, textIds } = flags;
  const [timestampColumn, titleColumn] = [flags.timestampColumn, flags.titleColumn].map((each) => (each === 'none' ? null : each));
  const columns = { userColumn, itemColumn, ratingColumn, timestampColumn, titleColumn };
  return { ...columns, ratingRange, delimiter, encoding, skipBadRows, textIds, header: header ? undefined : false };
}
