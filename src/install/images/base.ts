/**
 * What every image stands on: the Node that runs us and the Debian libraries it is linked with, at the paths they have here, and
 * the few files that programs and scanners expect. No shell, no package manager: nothing that a patch must reach but Node and libc.
 *
 * No time zones: Node has them built in. The program is the one that runs here byte for byte, not stripped: what was tested is what runs.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { TsumugiError } from '../../base/errors.ts';
import { packageRecords } from './debian.ts';
import type { LayerEntry, LayerFiles } from './layer.ts';

/** The user of all images; belongs to nobody on the nodes. */
export const imageUser = 65532;

export const nodePath = 'usr/local/bin/node';

/** Of the machine where images are made. */
export interface Host {
  readonly platform: string;
  readonly arch: string;
  /** Version of glibc; absent: another C library. */
  readonly glibc: string | undefined;
  readonly debian: boolean;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** From this one on libc finds names (DNS, users) without libraries that no program is linked with. Debian 12 has 2.36. */
const oldestGlibc = [2, 34] as const;

/** The machine's architecture as images call it. Throws Unavailable where it cannot give the files of an image. */
export function architectureOf({ platform, arch, glibc, debian }: Host): string {
  const refuse = (why: string): never => {
    throw new TsumugiError('Unavailable', `images cannot be built on this machine: ${why}`, {
      hint: 'their base is made of the machine’s own files: build on Debian 12, Ubuntu 22.04 or newer (x64 or arm64)',
    });
  };
  if (platform !== 'linux') refuse(`it runs ${platform}, not Linux`);
  if (glibc === undefined) refuse('its Node is not linked with glibc');
  if (!debian) refuse('it is no Debian (there is no /etc/debian_version)');
  const [major = 0, minor = 0] = (glibc ?? '').split('.').map(Number);
  if (major < oldestGlibc[0] || (major === oldestGlibc[0] && minor < oldestGlibc[1]))
    refuse(`its glibc is ${glibc}, older than ${oldestGlibc.join('.')}`);
  return architectures[arch] ?? refuse(`its processor is ${arch}`);
}

/** The machine that we run on. */
export function thisHost(): Host {
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  return { platform: process.platform, arch: process.arch, glibc: glibcVersionRuntime, debian: existsSync('/etc/debian_version') };
}

/** The base layer's files. Throws NotFound where a file of the machine is not there. */
export async function baseFiles(): Promise<LayerFiles> {
  const node = await realpath(process.execPath);
  const files: Record<string, LayerEntry> = { [nodePath]: await program(node) };
  const libraries = await librariesOf(node);
  for (const library of libraries) files[library.slice(1)] = await program(library);
  Object.assign(files, await packageRecords([node, ...libraries]));
  const licence = join(dirname(node), '..', 'LICENSE');
  if (existsSync(licence)) files['usr/share/doc/node/LICENSE'] = { mode: 0o644, bytes: await readFile(licence) };
  files['etc/ssl/certs/ca-certificates.crt'] = await certificates('/etc/ssl/certs/ca-certificates.crt');
  for (const [path, text] of Object.entries(texts)) files[path] = { mode: 0o644, bytes: Buffer.from(text) };
  // Where a pod mounts nothing there.
  files['tmp'] = { mode: 0o1777 };
  return files;
}

const texts = {
  'etc/passwd': `root:x:0:0:root:/:/nonexistent\nnonroot:x:${imageUser}:${imageUser}:nonroot:/tmp:/nonexistent\n`,
  'etc/group': `root:x:0:\nnonroot:x:${imageUser}:\n`,
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

const program = async (path: string): Promise<LayerEntry> => ({ mode: 0o755, bytes: await readFile(path) });

/** What the loader says when it is asked, which is all that ldd does: absolute paths, the loader itself among them. */
export async function librariesOf(path: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(path, [], { env: { LD_TRACE_LOADED_OBJECTS: '1' } });
  const missing = /^\s*(\S+) => not found/m.exec(stdout)?.[1];
  if (missing !== undefined) throw new TsumugiError('NotFound', `the library ${missing}, which ${path} needs, is not there`);
  return [...stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, library]) => library as string);
}

/** Node has roots of its own; this is for programs that ask the system (`node --use-openssl-ca`). */
async function certificates(path: string): Promise<LayerEntry> {
  if (!existsSync(path))
    throw new TsumugiError('NotFound', `there is no ${path}`, { hint: 'install the Debian package: apt-get install ca-certificates' });
  return { mode: 0o644, bytes: await readFile(path) };
}
