import { readFileSync } from 'node:fs';

/** The version of this package. From its sources and from its bundle, the way to the root is the same. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
