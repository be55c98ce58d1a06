/**
 * The blob port: content-addressed, immutable bytes (code packages, spilled payloads).
 * Drivers: `files/` (one machine). Contract: `blobs.contract.ts`.
 */
export interface BlobStore {
  /** Stores and answers the id, `sha256:<64 hex>`; the same bytes again are no work. Durable when it resolves; nothing half-written is ever seen. */
  put(bytes: readonly Uint8Array[]): Promise<readonly string[]>;
  get(ids: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>;
  has(ids: readonly string[]): Promise<readonly boolean[]>;
  delete(ids: readonly string[]): Promise<void>;
}
