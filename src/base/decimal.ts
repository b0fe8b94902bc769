/** The shortest decimal number that float32 holds as this one: 3.4 for 3.4000000953674316. NaN and infinities are returned as they are. */
export function asWritten(x: number): number {
  const held = Math.fround(x);
  // Whatever has six digits or fewer is found with six: float32 keeps as many, above the smallest numbers.
  for (let digits = Math.abs(held) < 1.2e-38 ? 1 : 6; digits < 10; digits++) {
    const short = Number(held.toPrecision(digits));
    if (Math.fround(short) === held) return short;
  }
  return x;
}
