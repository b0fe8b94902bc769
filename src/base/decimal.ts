/** The shortest decimal number that float32 holds as this one: 3.4 for 3.4000000953674316. NaN and infinities are returned as they are. */
export function asWritten(x: number): number {
  const held = Math.fround(x);
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(held.toPrecision(digits));
    if (Math.fround(short) === held) return short;
  }
  return x;
}
