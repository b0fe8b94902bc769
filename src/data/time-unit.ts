/**
 * How many units of these timestamps are a second since 1970, told from their size: seconds, milliseconds, microseconds or
 * nanoseconds.
 */
export function unitsPerSecond(timestamps: ArrayLike<number>): number {
  let largest = 0;
  for (let row = 0; row < timestamps.length; row++) largest = Math.max(largest, Math.abs(timestamps[row]));
  // Seconds since 1970 reach 1e11 in the year 5138, milliseconds did in 1973.
  const reached = [1e17, 1e14, 1e11].find((most) => largest >= most);
  return reached === undefined ? 1 : reached / 1e8;
}
