import { readFileSync } from 'node:fs';

/** Version of this package. */
export function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url); // seen from dist/src/cli
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
