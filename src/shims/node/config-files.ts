import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Specialize } from '../../wire/protocol.ts';

/** Where the pod has the files of Secrets and of ConfigMaps. Elsewhere than here where nothing can be mounted: then the pod's start says where. */
export const configFolders = (): { readonly secrets: string; readonly configs: string } => ({
  secrets: process.env['TSUMUGI_SECRETS'] ?? '/secrets',
  configs: process.env['TSUMUGI_CONFIGS'] ?? '/configs',
});

/**
 * Writes the claim's Secrets and ConfigMaps: `/secrets/NAME/KEY`, for this user alone. `/secrets/NAMESPACE/NAME/KEY` is the same file,
 * as functions written for Fission expect it.
 *
 * @throws {Error} when there is no room.
 */
export function writeConfigFiles({ files, namespace }: Pick<Specialize, 'files' | 'namespace'>): void {
  if (!files) return;
  const folders = configFolders();
  for (const kind of ['secrets', 'configs'] as const) {
    const folder = folders[kind];
    const objects = Object.entries(files[kind]);
    for (const [name, data] of objects) writeObject(join(folder, name), data);
    if (objects.length > 0 && !existsSync(join(folder, namespace))) symlinkSync('.', join(folder, namespace));
  }
}

function writeObject(folder: string, data: Readonly<Record<string, string>>): void {
  // A volume of the function's own may be mounted there: it asked for that one.
  if (existsSync(folder)) return;
  mkdirSync(folder, { mode: 0o700 });
  for (const [key, base64] of Object.entries(data)) writeFileSync(join(folder, key), Buffer.from(base64, 'base64'), { mode: 0o400 });
}
