/** Work that runs while something else is awaited first. If it fails, its error is thrown where it is awaited, not before. */
export function ahead<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
