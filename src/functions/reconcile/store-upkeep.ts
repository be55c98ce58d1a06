/** Keeps the key-value store in order: what is due goes, and what belongs to namespaces that are gone. */
import type { Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Fence } from '../../records/fence.ts';
import type { KeyValueStore } from '../../records/store.ts';
import { isNotFound, type KubeObject } from '../../resources/object.ts';
import { namespaces as namespaceResource } from '../../resources/resources.ts';

export interface StoreUpkeepOptions {
  readonly client: KubeClient;
  readonly store: KeyValueStore;
  /** Of the leader, where several share the store. */
  readonly fence?: Fence;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 60_000;

/** Until the signal is aborted. */
export async function keepStoreInOrder(options: StoreUpkeepOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await options.clock.sleep(everyMs, signal);
      await sweepStore(options);
    } catch (error) {
      if (!signal.aborted) options.log.warn({ error: toError(error).message }, 'the key-value store could not be trimmed');
    }
  }
}

/** One look. Answers how many entries went. */
export async function sweepStore({ client, store, fence }: StoreUpkeepOptions): Promise<number> {
  const gone: string[] = [];
  for (const name of await store.namespaces()) if (!(await isThere(client, name))) gone.push(name);
  return store.trim({ namespaces: gone, ...(fence && { fence }) });
}

async function isThere(client: KubeClient, name: string): Promise<boolean> {
  try {
    await client.get<KubeObject>(namespaceResource, { name });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
