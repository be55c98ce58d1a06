import type { Clock } from '../base/clock.ts';
import type { KubeObject, Resource } from '../resources/object.ts';
import type { KubeClient, WatchEvent, WatchOptions } from './client.ts';

/**
 * A watch that throws when nothing came for `stallSeconds`, neither an event nor a bookmark: a connection whose other side is
 * gone (a machine asleep, a dropped route) looks like one on which nothing happens.
 */
export async function* guardedWatch<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  options: WatchOptions & { readonly signal: AbortSignal },
  stallSeconds: number,
  clock: Clock,
): AsyncGenerator<WatchEvent<T>> {
  const { signal } = options;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  let last = clock.now();
  let stalled = false;

  /** Looks some times within the bound, so that no timer is set anew for each event. */
  async function guard(): Promise<void> {
    while (!stop.signal.aborted) {
      await clock.sleep((stallSeconds * 1000) / 10, stop.signal).catch(() => undefined);
      if (!stop.signal.aborted && clock.now() - last >= stallSeconds * 1000) {
        stalled = true;
        stop.abort();
      }
    }
  }

  const guarding = guard();
  try {
    for await (const event of client.watch<T>(resource, { ...options, allowBookmarks: true, signal: stop.signal })) {
      last = clock.now();
      if (signal.aborted) return;
      yield event;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop.abort();
    await guarding;
  }
  if (stalled) throw new Error(`no event and no bookmark for ${stallSeconds} s`);
}
