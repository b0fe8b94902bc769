/** A file system's error, with the path that the user knows in place of none or of a temporary one. Other errors stay as they are. */
export function naming(error: unknown, path: string): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined || syscall === 'connect') return error;
  return Object.assign(error, { path, message: `${code}: ${reasonOf(message) ?? message}, ${syscall} '${path}'` });
}

const OUR_WORDS = new Map([
  ['no such file or directory', 'There is no such file or folder'],
  ['illegal operation on a directory', 'This is a folder, not a file'],
]);

/** The reason in the message of a system error, the usual ones in our own words, to stand behind a path. */
export function ourReasonOf(message: string): string | undefined {
  const reason = reasonOf(message);
  return reason === undefined ? undefined : (OUR_WORDS.get(reason) ?? reason);
}

/** The reason in the message of a system error: `no such file or directory` in `ENOENT: no such file or directory, open 'x'`. */
function reasonOf(message: string): string | undefined {
  return /^[A-Z0-9_]+: (.*?), \w+/.exec(message)?.[1];
}
