/** One layer of an image: the same files give the same bytes, whatever the times, owners and umask of the machine they came from. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { linkBytes, type TarEntry, writeEntries } from '../../build/tar.ts';

/** A file; with a target a symbolic link; without either a folder. */
export interface LayerEntry {
  readonly mode: number;
  readonly bytes?: Uint8Array;
  readonly target?: string;
}

/** By path in the image, without the first slash. Folders above a file need no entry of their own. */
export type LayerFiles = Readonly<Record<string, LayerEntry>>;

export interface Layer {
  /** `sha256:…` of the compressed bytes, by which a registry knows it. */
  readonly digest: string;
  /** `sha256:…` of the tar, by which the image's configuration knows it. */
  readonly diffId: string;
  readonly bytes: Uint8Array;
  /** Bytes of the tar: about what it takes when it is unpacked. */
  readonly unpacked: number;
}

/** Files from this size on are stored once, however many names they have: esbuild's program lies in two packages. */
const worthALink = 1024 * 1024;

export async function buildLayer(files: LayerFiles): Promise<Layer> {
  const tar = writeEntries(entriesOf(files));
  // zlib writes no time and no name into the header: the same bytes from the same Node.
  const bytes = await promisify(gzip)(tar, { level: 6 });
  return { digest: sha256(bytes), diffId: sha256(tar), bytes, unpacked: tar.length };
}

/** What the image formats call a digest. */
export const sha256 = (bytes: Uint8Array | string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function entriesOf(files: LayerFiles): TarEntry[] {
  const paths = Object.keys(files).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const folders = new Set(paths.flatMap((path) => parentsOf(path)).filter((path) => !Object.hasOwn(files, path)));
  const entries: TarEntry[] = [...folders].map((path) => ({ type: 'directory', path, mode: 0o755 }));
  const large = new Map<string, string>();
  for (const path of paths) {
    const { mode, bytes, target: leadsTo } = files[path] as LayerEntry;
    if (leadsTo !== undefined) {
      entries.push({ type: 'symlink', path, mode, target: leadsTo });
      continue;
    }
    if (bytes === undefined) {
      entries.push({ type: 'directory', path, mode });
      continue;
    }
    const content = bytes.length >= worthALink ? `${mode} ${sha256(bytes)}` : undefined;
    const target = content === undefined ? undefined : large.get(content);
    if (target !== undefined) entries.push({ type: 'link', path, mode, target });
    else entries.push({ type: 'file', path, mode, bytes });
    if (content !== undefined && target === undefined && Buffer.byteLength(path) <= linkBytes) large.set(content, path);
  }
  return entries;
}

function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
