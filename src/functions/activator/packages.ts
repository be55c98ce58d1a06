/** Packages on their way to pods: the last used ones stay in memory, because a burst of cold starts asks for the same again. */
import { TsumugiError } from '../../base/errors.ts';
import type { BlobStore } from '../../records/blobs.ts';

const maxBytes = 16 * 1024 * 1024;

export class PackageCache {
  readonly #blobs: BlobStore;
  /** In the order of use, the oldest first. */
  readonly #kept = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** Throws NotFound when it was never uploaded. */
  async get(id: string): Promise<Uint8Array> {
    const known = this.#kept.get(id);
    if (known) {
      this.#kept.delete(id);
      this.#kept.set(id, known);
      return known;
    }
    const [bytes] = await this.#blobs.get([id]);
    if (!bytes) throw new TsumugiError('NotFound', `the package ${id} is not here`, { hint: 'deploy the function again' });
    if (!this.#kept.has(id)) this.#keep(id, bytes);
    return bytes;
  }

  #keep(id: string, bytes: Uint8Array): void {
    this.#kept.set(id, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }
}
