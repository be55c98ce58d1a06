/** What is in the image of the platform: this install as it would be published, and its production dependencies. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { TsumugiError } from '../../base/errors.ts';
import { nodePath } from './base.ts';
import { findDependencies, readManifest } from './dependencies.ts';
import { addFolder, readEntry } from './files.ts';
import type { LayerEntry, LayerFiles } from './layer.ts';

/** Where programs lie in all images; the working folder of the platform's. */
export const appFolder = 'app';

/** Published, and never loaded. */
const forPeople = /^examples$|\.md$/;

/** @param root the folder of our package.json */
export async function platformFiles(root: string): Promise<LayerFiles> {
  const files: Record<string, LayerEntry> = {};
  const { files: published = [], bin = {} } = await readManifest(root);
  await withCompiled(root, async (compiled) => {
    for (const name of ['package.json', ...published]) {
      const from = name === 'dist' ? compiled : join(root, name);
      if (forPeople.test(name)) continue;
      if ((await stat(from)).isDirectory()) await addFolder(files, from, `${appFolder}/${name}`);
      else files[`${appFolder}/${name}`] = await readEntry(from);
    }
  });
  for (const [target, folder] of await findDependencies(root, appFolder)) await addFolder(files, folder, target, true);
  // For `kubectl exec` and as kubectl's plugin. There is no `env` in the image, so each says its Node.
  for (const [command, program] of Object.entries(bin)) {
    const start = Buffer.from(`#!/${nodePath}\nimport('/${appFolder}/${program}');\n`);
    files[`usr/local/bin/${command}`] = { mode: 0o755, bytes: start };
  }
  return files;
}

/** The published package has `dist`; a checkout compiles its sources as they are now, beside any `dist` that may lie there. */
async function withCompiled(root: string, use: (dist: string) => Promise<void>): Promise<void> {
  if (!existsSync(join(root, 'src', 'cli', 'main.ts'))) return use(join(root, 'dist'));
  const folder = await mkdtemp(join(tmpdir(), 'tsumugi-dist-'));
  try {
    await promisify(execFile)(process.execPath, [join(root, 'scripts', 'build.ts'), folder], { cwd: root }).catch((error: unknown) => {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new TsumugiError('Invalid', `this checkout does not compile:\n${stdout}${stderr}`.trimEnd(), { cause: error });
    });
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
