import { describe, expect, it } from 'vitest';

import type { ProjectionEvent, RouteEntry } from '../../invoke/projection.ts';
import { ProjectionFeed } from './feed.ts';

const route = (name: string, prefix = '/'): RouteEntry => ({
  kind: 'route',
  namespace: 'n',
  name,
  created: 0,
  hosts: [],
  prefix,
  methods: [],
  function: 'f',
});

/** Follows the feed and gives each event once. */
function follow(feed: ProjectionFeed, heartbeatMs?: number) {
  const stop = new AbortController();
  const chunks = feed.subscribe(stop.signal, heartbeatMs);
  const waiting: ProjectionEvent[] = [];
  return {
    stop: async () => {
      stop.abort();
      await chunks.return(undefined);
    },
    chunks,
    next: async (): Promise<ProjectionEvent> => {
      while (waiting.length === 0) {
        const { value } = await chunks.next();
        waiting.push(
          ...(value as string)
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line) as ProjectionEvent),
        );
      }
      return waiting.shift() as ProjectionEvent;
    },
  };
}

describe('the projection', () => {
  it('greets with its epoch, tells what is, then says synced, then what changes', async () => {
    const feed = new ProjectionFeed('e1');
    feed.put('n/a', route('a'));
    const gateway = follow(feed);
    expect(await gateway.next()).toEqual({ op: 'epoch', epoch: 'e1' });
    expect(await gateway.next()).toEqual({ op: 'put', entry: route('a') });
    expect(await gateway.next()).toEqual({ op: 'synced' });
    feed.put('n/b', route('b'));
    feed.delete('route', 'n/a');
    expect(await gateway.next()).toEqual({ op: 'put', entry: route('b') });
    expect(await gateway.next()).toEqual({ op: 'delete', kind: 'route', key: 'n/a' });
    await gateway.stop();
  });

  it('loses nothing that changes while the snapshot is being sent', async () => {
    const feed = new ProjectionFeed('e');
    for (let n = 0; n < 1200; n++) feed.put(`n/${n}`, route(`${n}`));
    const gateway = follow(feed);
    await gateway.next();
    feed.put('n/7', route('7', '/changed'));
    feed.delete('route', 'n/8');
    const known = new Map<string, string | undefined>();
    for (let synced = false, deltas = 0; !synced || deltas < 2;) {
      const event = await gateway.next();
      if (synced) deltas++;
      if (event.op === 'put' && event.entry.kind === 'route') known.set(event.entry.name, event.entry.prefix);
      if (event.op === 'delete') known.delete(event.key.slice(2));
      synced ||= event.op === 'synced';
    }
    expect(known.size).toBe(1199);
    expect(known.get('7')).toBe('/changed');
    await gateway.stop();
  });

  it('says nothing of an entry that is as before, or of one that was never there', async () => {
    const feed = new ProjectionFeed('e');
    feed.put('n/a', route('a'));
    const gateway = follow(feed);
    for (let n = 0; n < 3; n++) await gateway.next();
    feed.put('n/a', route('a'));
    feed.delete('route', 'n/unknown');
    feed.put('n/b', route('b'));
    expect(await gateway.next()).toEqual({ op: 'put', entry: route('b') });
    await gateway.stop();
  });

  it('shows life while nothing happens', async () => {
    const gateway = follow(new ProjectionFeed('e'), 5);
    await gateway.next();
    await gateway.next();
    expect((await gateway.chunks.next()).value).toBe('\n');
    await gateway.stop();
  });

  it('cuts off who does not keep up, so that one slow gateway costs no memory', async () => {
    const feed = new ProjectionFeed('e');
    const gateway = follow(feed);
    await gateway.next();
    await gateway.next();
    const long = '/'.padEnd(100_000, 'x');
    for (let n = 0; n < 200; n++) feed.put(`n/${n}`, route(`${n}`, long));
    while (!(await gateway.chunks.next()).done);
    const again = follow(feed);
    expect(await again.next()).toEqual({ op: 'epoch', epoch: 'e' });
    await again.stop();
  });
});
