/** Puts images into a cluster without a registry: each kind of local cluster has a tool of its own for that. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { TsumugiError } from '../../base/errors.ts';
import { writeArchive } from './layout.ts';
import type { Image } from './oci.ts';

/** The command that takes an image archive as `FILE`, its last or another argument. */
export type ImportCommand = (file: string) => readonly [program: string, ...args: string[]];

const help = 'set TSUMUGI_IMAGE_IMPORT to a command that takes the tar, or use --push or --output';

/**
 * @param given TSUMUGI_IMAGE_IMPORT: a shell command, to which the file is added
 * @param context name of the kubeconfig's context, which kind, k3d, k3s and minikube name after themselves
 * @throws TsumugiError NotFound where the context is of no known kind
 */
export function importCommand(given: string | undefined, context: string | undefined): ImportCommand {
  if (given) return (file) => ['sh', '-c', `${given} "$1"`, 'sh', file];
  const [, kind, name = ''] = /^(kind|k3d)-(.+)$/.exec(context ?? '') ?? [];
  if (kind === 'kind') return (file) => ['kind', 'load', 'image-archive', file, '--name', name];
  if (kind === 'k3d') return (file) => ['k3d', 'image', 'import', file, '--cluster', name];
  if (context === 'minikube') return (file) => ['minikube', 'image', 'load', file];
  if (context === 'k3s') return (file) => ['k3s', 'ctr', 'images', 'import', file];
  const what =
    context === undefined
      ? 'there is no current kubeconfig context'
      : `the context "${context}" is of no cluster that is known to import images`;
  throw new TsumugiError('NotFound', `--import: ${what} (known: kind-NAME, k3d-NAME, k3s, minikube)`, { hint: help });
}

/** Throws NotFound where the program is missing, Unavailable with its words where it failed. */
export async function importImages(images: readonly Image[], command: ImportCommand): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tsumugi-images-'));
  try {
    const file = join(folder, 'images.tar');
    await writeFile(file, writeArchive(images));
    const [program, ...args] = command(file);
    await promisify(execFile)(program, args).catch((error: NodeJS.ErrnoException & { stderr?: string }) => {
      if (error.code === 'ENOENT')
        throw new TsumugiError('NotFound', `--import needs the program "${program}", which is not installed`, { hint: help, cause: error });
      throw new TsumugiError('Unavailable', `the import failed: ${error.stderr?.trim() || error.message}`, {
        hint: `it ran: ${[program, ...args].join(' ')}`,
        cause: error,
      });
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
