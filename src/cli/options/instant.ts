/** An instant as it is typed: a date, or a number in the unit of a file's timestamps. */
import { InvalidArgumentError } from 'commander';
import { unitsPerSecond } from '../../data/time-unit.js';
import { parseTime } from '../../read/time.js';

const isNumber = (text: string): boolean => /^-?\d+(\.\d+)?$/.test(text);

/** Checks what was typed, and gives it back as it is. */
export function instant(text: string): string {
  if (isNumber(text) || Number.isFinite(parseTime(text))) return text;
  throw new InvalidArgumentError('Use a date, such as 1998-03-01 or 1998-03-01T12:00:00+01:00, or a timestamp.');
}

/** What was typed as one of these timestamps: a date is in their unit, which is told from their size. */
export function instantIn(timestamps: ArrayLike<number>, text: string): number {
  return isNumber(text) ? Number(text) : parseTime(text) * unitsPerSecond(timestamps);
}
