import { StorageFailed } from '../storage/store.ts';
import type { Store } from '../storage/store.ts';
import { insufficientStorage, unavailable } from './status.ts';

/** The store as the verbs use it: a disk that fails is a Status for who asked, 507 when it is full, else 503. */
export function reportingStore(store: Store): Store {
  const reported = <T>(result: Promise<T>): Promise<T> =>
    result.catch((error: unknown) => {
      if (!(error instanceof StorageFailed)) throw error;
      throw error.kind === 'full' ? insufficientStorage(error.message) : unavailable(error.message);
    });
  return {
    get: (keys) => reported(store.get(keys)),
    list: (query) => reported(store.list(query)),
    texts: (query) => reported(store.texts(query)),
    write: (writes) => reported(store.write(writes)),
    dependents: (uids) => reported(store.dependents(uids)),
    changes: (since, resource, limit) => reported(store.changes(since, resource, limit)),
    subscribe: (listener) => store.subscribe(listener),
    revision: () => store.revision(),
    close: () => store.close(),
  };
}
