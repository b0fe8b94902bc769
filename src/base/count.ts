/** Counts as sentences write them. */

/** With its thousands apart: `1,682`. */
export function thousands(count: number): string {
  return count.toLocaleString('en');
}

/** With what is counted, in the singular or the plural: `1 epoch`, `2,000 epochs`. */
export function counted(count: number, what: string): string {
  return `${thousands(count)} ${what}${count === 1 ? '' : 's'}`;
}
