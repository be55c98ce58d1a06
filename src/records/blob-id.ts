/** The names of blobs. */
import { createHash } from 'node:crypto';

import { TsumugiError } from '../base/errors.ts';

/** The id of these bytes: `sha256:<64 hex>`. */
export function blobId(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Throws Invalid; answers the hex digits. */
export function assertBlobId(id: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(id)?.[1];
  if (!hex) throw new TsumugiError('Invalid', `"${id}" is no blob id`, { hint: 'an id is sha256: and 64 hex digits' });
  return hex;
}
