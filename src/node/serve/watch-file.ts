import { stat } from 'node:fs/promises';

/** Looks at a file, or a folder, each second, and calls `onChange` as `restedChange` says. Returns a function that ends it. */
export function watchFile(path: string, onChange: () => void): () => void {
  const look = restedChange(path);
  const timer = setInterval(async () => {
    if (await look()) onChange();
  }, 1000);
  void look();
  return () => clearInterval(timer);
}

/**
 * Looks at a file whenever it is called, and says whether it has changed since it was told last, and then stayed as it is from one
 * look to the next: what is still being written is left alone. The first look finds what is known already.
 */
export function restedChange(path: string): () => Promise<boolean> {
  let last: string | undefined;
  let told: string | undefined;
  return async () => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) return false; // between the removal of the old file and the new one
    const mark = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
    told ??= mark;
    const isNew = mark === last && mark !== told;
    last = mark;
    if (isNew) told = mark;
    return isNew;
  };
}
