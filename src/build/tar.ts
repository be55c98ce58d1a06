/**
 * A deterministic tar (ustar): the same files give the same bytes on every machine, so that a package's hash is its identity.
 *
 * Sorted by name, no times, no owners. In a package all files have one mode. Names up to 255 bytes as ustar splits them.
 */
import { TsumugiError } from '../base/errors.ts';

const block = 512;

/** ustar has so much room for the target of a link. */
export const linkBytes = 100;
const encoder = new TextEncoder();

/** Files by relative path with `/`, no `..`. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** `path` without a slash at either end; `mode` as chmod takes it. */
export type TarEntry = { readonly path: string; readonly mode: number } & (
  | { readonly type: 'file'; readonly bytes: Uint8Array }
  | { readonly type: 'directory' }
  /** A link: another name of the file `target`, which comes before it. A symbolic link leads anywhere. */
  | { readonly type: 'link' | 'symlink'; readonly target: string }
);

/** A package: regular files, mode 0644. */
export function writeTar(files: Files): Uint8Array {
  return writeEntries(Object.entries(files).map(([path, bytes]) => ({ type: 'file', path, mode: 0o644, bytes })));
}

/** Throws Invalid where a path is too long for ustar. */
export function writeEntries(entries: readonly TarEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const sizeOf = (entry: TarEntry): number => (entry.type === 'file' ? entry.bytes.length : 0);
  const tar = new Uint8Array(sorted.reduce((sum, entry) => sum + block + padded(sizeOf(entry)), 2 * block));
  let at = 0;
  for (const entry of sorted) {
    writeHeader(tar.subarray(at, at + block), entry, sizeOf(entry));
    if (entry.type === 'file') tar.set(entry.bytes, at + block);
    at += block + padded(sizeOf(entry));
  }
  return tar;
}

/** Reads regular files; anything else, or a path that leaves the root, is Invalid. */
export function readTar(tar: Uint8Array): Record<string, Uint8Array> {
  // Without a prototype: `__proto__` is a name like others.
  const files = Object.create(null) as Record<string, Uint8Array>;
  let at = 0;
  while (at + block <= tar.length) {
    const header = tar.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) return files;
    if (text(header, 257, 5) !== 'ustar') throw notATar('a header is not ustar');
    if (octal(header, 148, 8) !== checksum(header)) throw notATar('a checksum does not fit');
    const prefix = text(header, 345, 155);
    const name = prefix ? `${prefix}/${text(header, 0, 100)}` : text(header, 0, 100);
    const type = text(header, 156, 1) || '0';
    if (type !== '0') throw notATar(`"${name}" is not a regular file`);
    if (name.startsWith('/') || name.split('/').some((part) => part === '..' || part === '.' || part === ''))
      throw notATar(`"${name}" leaves the package`);
    const size = octal(header, 124, 12);
    if (at + block + size > tar.length) throw notATar(`"${name}" is cut off`);
    files[name] = tar.slice(at + block, at + block + size);
    at += block + padded(size);
  }
  throw notATar('its end is missing');
}

const padded = (size: number): number => Math.ceil(size / block) * block;

const typeFlags = { file: '0', link: '1', symlink: '2', directory: '5' } as const;

function writeHeader(header: Uint8Array, entry: TarEntry, size: number): void {
  const [prefix, name] = splitName(entry.type === 'directory' ? `${entry.path}/` : entry.path);
  const target = 'target' in entry ? entry.target : '';
  if (encoder.encode(target).length > linkBytes) throw new TsumugiError('Invalid', `the link target "${target}" is too long for a tar`);
  const put = (at: number, value: string): void => header.set(encoder.encode(value), at);
  put(0, name);
  put(100, `${entry.mode.toString(8).padStart(7, '0')}\0`);
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(156, typeFlags[entry.type]);
  put(157, target);
  put(257, 'ustar\0');
  put(263, '00');
  put(345, prefix);
  put(148, `${checksum(header).toString(8).padStart(6, '0')}\0 `);
}

/** The checksum counts its own field as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 32 : (header[i] ?? 0);
  return sum;
}

function splitName(path: string): [prefix: string, name: string] {
  if (encoder.encode(path).length <= 100) return ['', path];
  const parts = path.split('/');
  for (let i = 1; i < parts.length; i++) {
    const [prefix, name] = [parts.slice(0, i).join('/'), parts.slice(i).join('/')];
    if (encoder.encode(prefix).length <= 155 && encoder.encode(name).length <= 100) return [prefix, name];
  }
  throw new TsumugiError('Invalid', `the path "${path}" is too long for a package`);
}

function text(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
}

function octal(header: Uint8Array, at: number, length: number): number {
  const digits = text(header, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw notATar('a number is not octal');
  return Number.parseInt(digits || '0', 8);
}

const notATar = (why: string): TsumugiError => new TsumugiError('Invalid', `the package is not a tar that can be read: ${why}`);
