import type { Id } from '../../data/ids.js';
import { oneLine } from '../process/terminal.js';

/** What people call an item: its title or, where it has none, its id. */
export function nameOf({ item, title }: { item: Id; title?: string | undefined }): string {
  return oneLine(title ?? String(item));
}

/** A number as fastai's table shows it; `#na#` where there is none. */
export function sixDecimals(value: number): string {
  return Number.isNaN(value) ? '#na#' : value.toFixed(6);
}

/** A score; `-` where there is none. */
export function fourDecimals(value: number | null | undefined): string {
  return typeof value === 'number' && Number.isFinite(value) ? value.toFixed(4) : '-';
}

/** `MM:SS`, and from one hour `H:MM:SS`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  return `${hours > 0 ? `${hours}:` : ''}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
