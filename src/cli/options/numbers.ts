/** Strict parsers of option values: the whole text must be what was asked for, and within bounds that make sense. */
import { InvalidArgumentError } from 'commander';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A whole number from `min` to `max`. */
export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
  };

/** A seed: a whole number of 32 bits. */
export const seed = integer(0, 0xffffffff);

/** Seeds, such as `1,2,3`. */
export function seedList(text: string): number[] {
  const seeds = text.split(',').map((each) => seed(each.trim()));
  if (new Set(seeds).size === seeds.length) return seeds;
  throw new InvalidArgumentError('Use each seed once.');
}

/** Any number. */
export function number(text: string): number {
  const value = parse(text);
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError('Use a number.');
}

/** A number above zero. */
export function positive(text: string): number {
  const value = parse(text);
  if (Math.fround(value) > 0) return value;
  throw new InvalidArgumentError('Use a number above 0.');
}

/** A number of at least zero. */
export function notNegative(text: string): number {
  const value = parse(text);
  if (value >= 0) return value;
  throw new InvalidArgumentError('Use a number of at least 0.');
}

/** A share: from 0, below 1. */
export function share(text: string): number {
  const value = parse(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Use a number from 0 to below 1, such as 0.1.');
}

/** Two numbers, `lo,hi`. */
export function range(text: string): [lo: number, hi: number] {
  const ends = text.split(',').map((end) => parse(end.trim()));
  if (ends.length === 2 && ends[0] < ends[1]) return [ends[0], ends[1]];
  throw new InvalidArgumentError('Use two numbers, the lower first, such as 0,5.5.');
}

/** Two numbers, or `none`. (Commander does not let a parser return null.) */
export function rangeOrNone(text: string): [lo: number, hi: number] | 'none' {
  if (text === 'none') return text;
  try {
    return range(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/\.$/, ", or 'none'."));
  }
}

/** The number that a text is; NaN if it is none. The device computes in float32, which ends at 3.4e38. */
function parse(text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value) || Number.isFinite(Math.fround(value))) return value;
  throw new InvalidArgumentError('Use a number that float32 can hold: from -3.4e38 to 3.4e38.');
}
