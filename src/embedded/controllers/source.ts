import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KeySource } from '../../kube/reconcile.ts';
import type { KindDefinition } from '../../resources/kind.ts';
import type { Change, Store } from '../storage/store.ts';
import { rowsOf } from './objects.ts';

/**
 * Keys from what the store holds at the start (as ADDED) and from every commit after. These controllers look at all objects
 * of all kinds: rows carry what they need (owners), so that no cache of objects has to be held and none is parsed in vain.
 */
export function storeSource(
  store: Store,
  kinds: readonly KindDefinition[],
  keys: (change: Change) => Iterable<string>,
  signal: AbortSignal,
  log: Log,
): KeySource {
  async function scan(enqueue: (key: string) => void): Promise<void> {
    for (const kind of kinds) {
      for await (const row of rowsOf(store, kind)) {
        if (signal.aborted) return;
        for (const key of keys({ type: 'ADDED', revision: row.revision, row, before: undefined })) enqueue(key);
      }
    }
  }
  return {
    synced: () => Promise.resolve(),
    subscribe(enqueue) {
      const stop = store.subscribe((changes) => {
        for (const change of changes) for (const key of keys(change)) enqueue(key);
      });
      const scanning = scan(enqueue).catch((error: unknown) =>
        log.error({ error: toError(error).message }, 'the first look at the store failed'),
      );
      return () => {
        stop();
        return scanning;
      };
    },
  };
}
