/** An instant as it is typed: a date, or a number in the unit of a file's timestamps. */
import { InvalidArgumentError } from 'commander';
import { parseTime } from '../../read/time.js';

const isNumber = (text: string): boolean => /^-?\d+(\.\d+)?$/.test(text);

/** Checks what was typed, and gives it back as it is. */
export function instant(text: string): string {
  if (isNumber(text) || Number.isFinite(parseTime(text))) return text;
  throw new InvalidArgumentError('Use a date, such as 1998-03-01 or 1998-03-01T12:00:00+01:00, or a timestamp.');
}

/** What was typed as one of these timestamps: a date is in their unit, which is told from their size. */
export function instantIn(timestamps: ArrayLike<number>, text: string): number {
  if (isNumber(text)) return Number(text);
  let largest = 0;
  for (let row = 0; row < timestamps.length; row++) largest = Math.max(largest, Math.abs(timestamps[row]));
  // Seconds since 1970 reach 1e11 in the year 5138, milliseconds did in 1973.
  const perSecond = [1e17, 1e14, 1e11].find((most) => largest >= most);
  return parseTime(text) * (perSecond === undefined ? 1 : perSecond / 1e8);
}
