import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const BLOCK = 512;

function text(tar: Buffer, at: number, length: number): string {
  const end = tar.indexOf(0, at);
  return tar.toString('utf8', at, end >= 0 && end < at + length ? end : at + length);
}

/** `path=` of a pax header: records `length key=value\n`. */
function paxPath(records: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(records)?.[1];
}

/**
 * Extracts the files of a package (ustar, with pax or GNU long names) that are `wanted` into `folder`. Anything but plain files and
 * folders is ignored; a path that leaves the folder is refused.
 *
 * @throws {Error} when it is no tar or a name points outside.
 */
export function untar(tar: Buffer, folder: string, wanted: (path: string) => boolean = () => true): string[] {
  const names: string[] = [];
  const made = new Set<string>([folder]);
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    if (tar.toString('latin1', at + 257, at + 262) !== 'ustar') throw new Error('the package is not a tar file');
    const size = Number.parseInt(text(tar, at + 124, 12).trim() || '0', 8);
    const type = String.fromCharCode(tar[at + 156]! || 0x30);
    const prefix = text(tar, at + 345, 155);
    const start = at + BLOCK;
    if (!Number.isSafeInteger(size) || start + size > tar.length) throw new Error('the package is cut short');
    const content = tar.subarray(start, start + size);
    if (type === 'x') longName = paxPath(content.toString()) ?? longName;
    else if (type === 'L') longName = text(content, 0, content.length);
    else {
      const name = longName ?? (prefix ? `${prefix}/` : '') + text(tar, at, 100);
      longName = undefined;
      const path = normalize(name);
      if (path.startsWith('/') || path === '..' || path.startsWith('../') || name.includes('\0'))
        throw new Error(`the package has a file outside of it: ${name}`);
      if (type === '0' && wanted(path)) {
        const file = join(folder, path);
        const parent = dirname(file);
        if (!made.has(parent)) {
          mkdirSync(parent, { recursive: true });
          made.add(parent);
        }
        writeFileSync(file, content);
        names.push(path);
      }
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return names;
}
