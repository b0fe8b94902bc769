import { stat } from 'node:fs/promises';

/**
 * Looks at a file, or a folder, again and again, and calls `onChange` once it has changed and then stayed as it is between two looks,
 * so that what is still being written is left alone. Returns a function that ends it.
 */
export function watchFile(path: string, onChange: () => void, everyMs = 1000): () => void {
  let last: string | undefined;
  let told: string | undefined;
  const look = async () => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) return; // between the removal of the old file and the new one
    const mark = `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    told ??= mark;
    if (mark === last && mark !== told) {
      told = mark;
      onChange();
    }
    last = mark;
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  void look();
  return () => clearInterval(timer);
}
