/** What runs this program, by name and version: `Node v20.20.2`, `Deno 2.9.6`, `Bun 1.4.5`. The last two call themselves Node too. */
export function runtimeName(versions: NodeJS.Dict<string> = process.versions): string {
  const { node, deno, bun } = versions as Record<'node' | 'deno' | 'bun', string | undefined>;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun === undefined ? `Node v${node}` : `Bun ${bun}`;
}
