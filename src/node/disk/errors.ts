/** A file system's error, with the path that the user knows in place of none or of a temporary one. Other errors stay as they are. */
export function naming(error: unknown, path: string): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined || syscall === 'connect') return error;
  return Object.assign(error, { path, message: `${code}: ${reasonOf(message) ?? message}, ${syscall} '${path}'` });
}

/** The reason in the message of a system error: `no such file or directory` in `ENOENT: no such file or directory, open 'x'`. */
export function reasonOf(message: string): string | undefined {
  return /^[A-Z0-9_]+: (.*?), \w+/.exec(message)?.[1];
}
