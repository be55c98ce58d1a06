import { expect, it } from 'vitest';
import type { WatchEvent } from '../client.ts';
import { type Bench, configMap, type ConfigMap, configMaps, refusal, Tap, tapped, unique } from './bench.contract.ts';

export function watchContract(bench: Bench): void {
  const make = (name: string, label: string, data: Record<string, string> = {}): Promise<ConfigMap> =>
    bench.client.create(configMaps, configMap(bench.namespace, name, data, { labels: { watch: label } }));
  const merge = (name: string, body: object): Promise<ConfigMap> =>
    bench.client.patch(configMaps, { namespace: bench.namespace, name }, { type: 'merge', body });
  const remove = (name: string): Promise<void> => bench.client.delete(configMaps, { namespace: bench.namespace, name });
  const here = (labelSelector: string, more: object = {}): object => ({ namespace: bench.namespace, labelSelector, ...more });
  const version = async (labelSelector: string): Promise<string> =>
    (await bench.client.list(configMaps, here(labelSelector))).metadata.resourceVersion;

  it('tells what happens, in order, with whole objects', async () => {
    const label = unique('l');
    const resourceVersion = await version(`watch=${label}`);
    await tapped<ConfigMap, void>(bench.client, configMaps, here(`watch=${label}`, { resourceVersion }), async (tap) => {
      const made = await make('w-1', label, { a: '1' });
      expect(await tap.event()).toEqual({ type: 'ADDED', object: made });
      const changed = await merge('w-1', { data: { a: '2' } });
      expect(await tap.event()).toEqual({ type: 'MODIFIED', object: changed });
      await remove('w-1');
      const deleted = await tap.event();
      expect(deleted).toMatchObject({
        type: 'DELETED',
        object: { kind: 'ConfigMap', data: { a: '2' }, metadata: { name: 'w-1', uid: made.metadata.uid } },
      });
      // The deletion has a version of its own, so that a watch can go on after it.
      expect(Number(deleted?.object.metadata.resourceVersion)).toBeGreaterThan(Number(changed.metadata.resourceVersion));
    });
  });

  it('goes on where another watch ended', async () => {
    const label = unique('l');
    const made = await make('w-a', label);
    const changed = await merge('w-a', { data: { a: '2' } });
    await make('w-b', label);
    await remove('w-a');
    const all = await tapped(
      bench.client,
      configMaps,
      here(`watch=${label}`, { resourceVersion: made.metadata.resourceVersion }),
      async (tap) => [await tap.next(), await tap.next(), await tap.next()],
    );
    expect(all).toEqual(['MODIFIED w-a', 'ADDED w-b', 'DELETED w-a']);
    const rest = await tapped(
      bench.client,
      configMaps,
      here(`watch=${label}`, { resourceVersion: changed.metadata.resourceVersion }),
      async (tap) => [await tap.next(), await tap.next()],
    );
    expect(rest).toEqual(['ADDED w-b', 'DELETED w-a']);
    await remove('w-b');
  });

  it('begins with what is there when no version is given', async () => {
    const label = unique('l');
    await make('w-old', label);
    await make('w-older', label);
    await tapped(bench.client, configMaps, here(`watch=${label}`), async (tap) => {
      expect([await tap.next(), await tap.next()].toSorted()).toEqual(['ADDED w-old', 'ADDED w-older']);
      await merge('w-old', { data: { a: '1' } });
      expect(await tap.next()).toBe('MODIFIED w-old');
    });
    await Promise.all([remove('w-old'), remove('w-older')]);
  });

  it('shows objects that enter a selection as added, and those that leave it as deleted', async () => {
    const label = unique('l');
    const resourceVersion = await version(`watch=${label}`);
    await tapped<ConfigMap, void>(bench.client, configMaps, here(`watch=${label}`, { resourceVersion }), async (tap) => {
      await make('w-move', 'elsewhere');
      await merge('w-move', { metadata: { labels: { watch: label } } });
      expect(await tap.next()).toBe('ADDED w-move');
      const outside = await merge('w-move', { metadata: { labels: { watch: 'elsewhere' } }, data: { a: '9' } });
      const left = await tap.event();
      expect(left?.type).toBe('DELETED');
      // As it was when it was still in, at the version that took it out.
      expect(left?.object).toMatchObject({ metadata: { labels: { watch: label }, resourceVersion: outside.metadata.resourceVersion } });
      expect(left?.object.data).toBeUndefined();
      await remove('w-move');
      await make('w-last', label);
      expect(await tap.next()).toBe('ADDED w-last');
    });
    await remove('w-last');
  });

  it('watches one object by a field selector', async () => {
    const resourceVersion = await version('watch');
    await tapped(
      bench.client,
      configMaps,
      { namespace: bench.namespace, fieldSelector: 'metadata.name=w-one', resourceVersion },
      async (tap) => {
        await make('w-other', 'x');
        await make('w-one', 'x');
        expect(await tap.next()).toBe('ADDED w-one');
      },
    );
    await Promise.all([remove('w-other'), remove('w-one')]);
  });

  it('watches all namespaces when none is named', async () => {
    const label = unique('l');
    const resourceVersion = await version('watch');
    await tapped(bench.client, configMaps, { labelSelector: `watch=${label}`, resourceVersion }, async (tap) => {
      await make('w-all', label);
      expect(await tap.next()).toBe('ADDED w-all');
    });
    await remove('w-all');
  });

  it('gives the same events to many watchers', async () => {
    const label = unique('l');
    const resourceVersion = await version('watch');
    const taps = Array.from({ length: 10 }, () => new Tap(bench.client, configMaps, here(`watch=${label}`, { resourceVersion })));
    const first = Promise.all(taps.map((tap) => tap.next()));
    await make('w-many', label);
    expect(await first).toEqual(Array.from({ length: 10 }, () => 'ADDED w-many'));
    await Promise.all(taps.map((tap) => tap.close()));
    await remove('w-many');
  });

  it('sends bookmarks on request, and ends in time', async () => {
    const resourceVersion = await version('watch');
    const options = { namespace: bench.namespace, resourceVersion, allowBookmarks: true, timeoutSeconds: 5 };
    await tapped<ConfigMap, void>(bench.client, configMaps, options, async (tap) => {
      await make('w-booked', 'booked').then(() => remove('w-booked'));
      const events: WatchEvent<ConfigMap>[] = [];
      for (let event = await tap.event(); event; event = await tap.event()) events.push(event);
      expect(events.map((event) => event.type).slice(0, 2)).toEqual(['ADDED', 'DELETED']);
      const bookmarks = events.slice(2);
      if (bench.server.promisesBookmarks) expect(bookmarks.length).toBeGreaterThan(0);
      for (const bookmark of bookmarks) {
        expect(bookmark).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap' } });
        expect(Number(bookmark.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(events[1]?.object.metadata.resourceVersion));
      }
    });
  });

  it('ends quietly when its signal is aborted', async () => {
    const abort = new AbortController();
    const resourceVersion = await version('watch');
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of bench.client.watch(configMaps, here('watch=abort', { resourceVersion, signal: abort.signal }))) {
        seen.push(event.object.metadata.name);
        abort.abort();
      }
    })();
    await make('w-abort', 'abort');
    await watching;
    expect(seen).toEqual(['w-abort']);
    await remove('w-abort');
    for await (const event of bench.client.watch(configMaps, { signal: abort.signal })) expect.fail(`told ${event.type} after the abort`);
  });

  it('says 410 Expired where the history is gone', async ({ skip }) => {
    const { expiredVersion } = bench.server;
    skip(!expiredVersion, 'history cannot be trimmed here');
    const resourceVersion = (await expiredVersion?.()) ?? '';
    const status = await refusal(tapped(bench.client, configMaps, here('watch', { resourceVersion }), (tap) => tap.event()));
    expect(status).toMatchObject({ code: 410, reason: 'Expired' });
    expect(status.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
  });

  it('refuses a version that is none', async () => {
    const status = await refusal(tapped(bench.client, configMaps, here('watch', { resourceVersion: 'abc' }), (tap) => tap.event()));
    expect(status.message).toContain('resourceVersion: Invalid value: "abc"');
  });
}
