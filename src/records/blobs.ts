/**
 * The blob port: content-addressed, immutable bytes (code packages, spilled payloads).
 * Drivers: `files/` (one machine), `postgres/`. Contract: `blobs.contract.ts`.
 */
import type { Fence } from './fence.ts';

export interface StoredBlob {
  readonly id: string;
  /** When its bytes were put last, milliseconds since 1970. */
  readonly putAt: number;
}

export interface BlobStore {
  /**
   * Stores and answers the id, `sha256:<64 hex>`; the same bytes again are little work, but count as put now. Durable when it
   * resolves; nothing half-written is ever seen.
   */
  put(bytes: readonly Uint8Array[]): Promise<readonly string[]>;
  get(ids: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>;
  has(ids: readonly string[]): Promise<readonly boolean[]>;
  /**
   * Those that are there and, with `putBefore` (milliseconds since 1970), were put last before it: so what is put meanwhile stays.
   * Answers the ids that it deleted. Throws Conflict when the fence's epoch is over; then nothing is deleted.
   */
  delete(ids: readonly string[], only?: { readonly putBefore?: number; readonly fence?: Fence }): Promise<readonly string[]>;
  /** The next page, at most `limit`, in the order of ids: those after `after`, the last id of the page before. Empty: there are no more. */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly StoredBlob[]>;
}
