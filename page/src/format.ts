/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en');

/** 90,000 */
export const count = (value: number): string => whole.format(value);

/** A loss or an error with four decimals. */
export const loss = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : '–');

/** 12 ms, 2.6 s */
export function duration(ms: number): string {
  if (ms < 1) return '< 1 ms';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** A learning rate with three digits that count: 0.01, 0.00302, 1.2e-6. */
export function rate(value: number): string {
  const rounded = Number(value.toPrecision(3));
  if (rounded === 0) return '0';
  return rounded >= 1e-4 ? String(rounded) : rounded.toExponential().replace('e-', 'e−').replace('e+', 'e');
}

/** Powers of ten as labels of an axis: 10⁻⁷; '' between them. */
export function powerOfTen(value: number): string {
  const power = Math.log10(value);
  if (Math.abs(power - Math.round(power)) > 1e-6) return '';
  return `10${String(Math.round(power)).replace(/./g, (digit) => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(digit)])}`;
}

/** "1 rating", "2 ratings" */
export const several = (n: number, one: string): string => `${count(n)} ${one}${n === 1 ? '' : 's'}`;

/** What to tell of an error: its message, which the engine writes as a sentence. */
export function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The values of an axis, with as many decimals as they have, and one at least. */
export function decimals(values: readonly number[]): string[] {
  const isExact = (digits: number) => values.every((value) => Math.abs(value - Number(value.toFixed(digits))) < 1e-9);
  let digits = 1;
  while (digits < 9 && !isExact(digits)) digits++;
  return values.map((value) => value.toFixed(digits));
}
