import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient, ObjectKey } from '../kube/client.ts';
import { ApiError, type KubeObject, type Resource } from '../resources/object.ts';

/**
 * Watches one object until `isOver` says so of it, or the time is up. Answers what was seen last; undefined: it is not there.
 *
 * @throws ApiError where it may not be listed.
 */
export async function watchUntil<T extends KubeObject>(
  kube: KubeClient,
  resource: Resource,
  { namespace, name }: ObjectKey,
  seconds: number,
  isOver: (object: T | undefined) => boolean,
): Promise<T | undefined> {
  const signal = AbortSignal.timeout(seconds * 1000);
  const scope = { ...(namespace === undefined ? {} : { namespace }), fieldSelector: `metadata.name=${name}` };
  for (;;) {
    const list = await kube.list<T>(resource, scope);
    let [last] = list.items;
    if (isOver(last) || signal.aborted) return last;
    // A watch from the version that was read misses nothing; the server may end it at any time.
    try {
      for await (const { type, object } of kube.watch<T>(resource, { ...scope, resourceVersion: list.metadata.resourceVersion, signal })) {
        if (type === 'BOOKMARK') continue;
        last = type === 'DELETED' ? undefined : object;
        if (isOver(last)) return last;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await sleep(500, undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted) return last;
  }
}
