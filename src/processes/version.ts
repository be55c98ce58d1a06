import { readFileSync } from 'node:fs';

/** Version of this install, from its package.json: both `src/processes` and `dist/processes` lie two folders below it. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
