/** The package: what one revision runs, as a deterministic tar named by its hash. */
import { createHash } from 'node:crypto';

import { TsumugiError } from '../base/errors.ts';
import { readTar, writeTar, type Files } from './tar.ts';

/** `tsumugi.json` in a package's root. */
export interface PackageManifest {
  readonly formatVersion: 1;
  /** Names the entry module exports, sorted; `default` is the handler. */
  readonly exports: readonly string[];
}

/** The entry of a package: a module, or a program. */
const moduleFile = 'handler.mjs';
export const programFile = 'handler';

export interface Package {
  readonly bytes: Uint8Array;
  /** `sha256:<64 hex>` of the bytes. */
  readonly id: string;
}

export function makePackage(files: Files, manifest: PackageManifest): Package {
  const bytes = writeTar({ ...files, 'tsumugi.json': Buffer.from(`${JSON.stringify(manifest)}\n`) });
  return { bytes, id: packageId(bytes) };
}

export function packageId(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Checks what somebody uploaded and tells what it holds. Throws Invalid. */
export function readManifest(bytes: Uint8Array): PackageManifest {
  const files = readTar(bytes);
  if (!files[moduleFile] && !files[programFile])
    throw new TsumugiError('Invalid', `the package has neither ${moduleFile} nor a program "${programFile}"`);
  let manifest: unknown;
  try {
    manifest = JSON.parse(Buffer.from(files['tsumugi.json'] ?? []).toString());
  } catch {
    throw new TsumugiError('Invalid', 'the package has no tsumugi.json that can be read', {
      hint: 'deploy with `tsumugi deploy`, which makes it',
    });
  }
  const { formatVersion, exports } = (manifest ?? {}) as Partial<PackageManifest>;
  if (formatVersion !== 1) throw new TsumugiError('Invalid', `the package has format ${String(formatVersion)}, this platform knows 1`);
  if (!Array.isArray(exports) || exports.some((name) => typeof name !== 'string'))
    throw new TsumugiError('Invalid', 'the exports in tsumugi.json are not a list of names');
  return { formatVersion, exports: exports as string[] };
}
