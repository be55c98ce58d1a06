/**
 * Removes packages that nobody names any more: no Function and no Revision, twice in a row, and not uploaded for a while. So one that was
 * uploaded just before its Function is created stays, also when it was here before: to upload it again counts as new, and the store
 * looks at that once more when it deletes. Only the leader does this: its writes carry its fence.
 */
import type { Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Informer } from '../../kube/informer.ts';
import type { BlobStore } from '../../records/blobs.ts';
import type { Fence } from '../../records/fence.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';

export interface UnusedPackagesOptions {
  readonly blobs: BlobStore;
  readonly functions: Informer<FunctionResource>;
  readonly revisions: Informer<RevisionResource>;
  /** Of the leader, where several share the store. */
  readonly fence?: Fence;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long an uploaded package may wait for its Function. */
const graceMs = 3_600_000;
const everyMs = 600_000;
const pageSize = 500;

export class UnusedPackages {
  readonly #options: UnusedPackagesOptions;
  /** Named by nobody at the last look. */
  #suspects = new Set<string>();

  constructor(options: UnusedPackagesOptions) {
    this.#options = options;
  }

  /** Looks at intervals until `signal` is aborted; never rejects. The informers must have synced. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#options.clock.sleep(everyMs, signal);
        await this.sweep();
      } catch (error) {
        if (!signal.aborted) this.#options.log.warn({ error: toError(error).message }, 'unused packages could not be removed');
      }
    }
  }

  /** One look. Answers what was removed. */
  async sweep(): Promise<readonly string[]> {
    const { blobs, fence, clock, log } = this.#options;
    const putBefore = clock.now() - graceMs;
    const before = this.#suspects;
    const suspects = new Set<string>();
    const removed: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await blobs.list({ limit: pageSize, ...(after !== undefined && { after }) });
      after = page.at(-1)?.id;
      if (after === undefined) break;
      // Asked for each page: what was created during the look counts.
      const used = this.#used();
      const unused = page.filter(({ id, putAt }) => !used.has(id) && putAt < putBefore).map(({ id }) => id);
      const again = unused.filter((id) => before.has(id));
      for (const id of unused) suspects.add(id);
      for (const id of again) suspects.delete(id);
      if (again.length === 0) continue;
      removed.push(...(await blobs.delete(again, { putBefore, ...(fence && { fence }) })));
    }
    this.#suspects = suspects;
    if (removed.length > 0) log.info({ packages: removed.length }, 'packages that nobody names any more are removed');
    return removed;
  }

  #used(): ReadonlySet<string> {
    const used = new Set<string>();
    for (const { spec } of this.#options.revisions.list()) used.add(spec.source.package);
    for (const { spec } of this.#options.functions.list()) if (spec.source.package !== undefined) used.add(spec.source.package);
    return used;
  }
}
