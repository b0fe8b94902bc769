/** A file system's error, with the path that the user knows in place of none or of a temporary one. Other errors stay as they are. */
export function naming(error: unknown, path: string): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined || syscall === 'connect') return error;
  const reason = /^[A-Z0-9_]+: (.*?), \w+/.exec(message)?.[1] ?? message;
  return Object.assign(error, { path, message: `${code}: ${reason}, ${syscall} '${path}'` });
}
