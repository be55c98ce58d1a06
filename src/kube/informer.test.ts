import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { Clock } from '../base/clock.ts';
import type { KubeObject } from '../resources/object.ts';
import { type ConfigMap, configMap, configMaps } from './contract/bench.contract.ts';
import { createHttpClient } from './http/client.ts';
import { type Change, Informer } from './informer.ts';
import { keyOf } from './key.ts';
import { closeAfterEach, maps, onTestEnd, openTestApi } from './testing/embedded.ts';
import { ScriptedServer, sendJson } from './testing/scripted-server.ts';

closeAfterEach();

/** Starts it for the time of the test, and keeps what its handler was told: `added default/a`. */
function follow<T extends KubeObject>(informer: Informer<T>): { told: string[]; stop: () => Promise<void> } {
  const abort = new AbortController();
  const told: string[] = [];
  informer.on((change: Change<T>) => told.push(`${change.type} ${keyOf(change.object)}`));
  const running = informer.start(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  onTestEnd(stop);
  return { told, stop };
}

describe('Informer on the embedded API', () => {
  it('shows what is there, then every change', async () => {
    const { client } = await openTestApi();
    await maps.create(client, 'a', { n: '1' });
    const informer = new Informer<ConfigMap>(client, configMaps, { namespace: 'default' });
    const { told } = follow(informer);
    expect(informer.hasSynced).toBe(false);
    await informer.synced();
    expect(told).toEqual(['added default/a']);

    await maps.create(client, 'b');
    const changed = await maps.patch(client, 'a', { data: { n: '2' } });
    await maps.delete(client, 'b');
    await vi.waitFor(() => expect(told).toEqual(['added default/a', 'added default/b', 'updated default/a', 'deleted default/b']));
    expect(informer.get('default/a')).toEqual(changed);
    expect(informer.list().map(keyOf)).toEqual(['default/a']);
    expect(informer.list('elsewhere')).toEqual([]);
  });

  it('tells a late handler what is there', async () => {
    const { client } = await openTestApi();
    await maps.create(client, 'a');
    const informer = new Informer<ConfigMap>(client, configMaps, { namespace: 'default' });
    follow(informer);
    await informer.synced();
    const late: string[] = [];
    const off = informer.on(({ type, object }) => late.push(`${type} ${object.metadata.name}`));
    expect(late).toEqual(['added a']);
    off();
    await maps.delete(client, 'a');
    await vi.waitFor(() => expect(informer.get('default/a')).toBeUndefined());
    expect(late).toEqual(['added a']);
  });

  it('lists in pages, and selects', async () => {
    const { client } = await openTestApi();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await maps.create(client, name, {}, { labels: { odd: name < 'c' ? 'yes' : 'no' } });
    const all = new Informer<ConfigMap>(client, configMaps, { pageSize: 2 });
    const odd = new Informer<ConfigMap>(client, configMaps, { labelSelector: 'odd=yes' });
    follow(all);
    const { told } = follow(odd);
    await Promise.all([all.synced(), odd.synced()]);
    expect(all.list()).toHaveLength(5);
    expect(odd.list().map(keyOf)).toEqual(['default/a', 'default/b']);
    await maps.patch(client, 'a', { metadata: { labels: { odd: 'no' } } });
    await vi.waitFor(() => expect(told).toContain('deleted default/a'));
  });

  it('finds by index, also after changes', async () => {
    const { client } = await openTestApi();
    await maps.create(client, 'a', { color: 'red' });
    await maps.create(client, 'b', { color: 'blue' });
    const informer = new Informer<ConfigMap>(client, configMaps, { indexes: { color: (map) => [map.data?.['color'] ?? ''] } });
    follow(informer);
    await informer.synced();
    expect(informer.byIndex('color', 'red').map(keyOf)).toEqual(['default/a']);
    await maps.patch(client, 'a', { data: { color: 'blue' } });
    await vi.waitFor(() => expect(informer.byIndex('color', 'blue').map(keyOf).toSorted()).toEqual(['default/a', 'default/b']));
    expect(informer.byIndex('color', 'red')).toEqual([]);
    expect([informer.countByIndex('color', 'blue'), informer.countByIndex('color', 'red')]).toEqual([2, 0]);
    await maps.delete(client, 'a');
    await vi.waitFor(() => expect(informer.byIndex('color', 'blue').map(keyOf)).toEqual(['default/b']));
    await maps.delete(client, 'b');
    await vi.waitFor(() => expect(informer.countByIndex('color', 'blue')).toBe(0));
    expect(() => informer.byIndex('size', 'big')).toThrow('no index "size"; there are: color');
  });

  it('keeps going when a handler throws', async () => {
    const { client } = await openTestApi();
    const informer = new Informer<ConfigMap>(client, configMaps);
    informer.on(() => {
      throw new Error('oops');
    });
    const { told } = follow(informer);
    await informer.synced();
    await maps.create(client, 'a');
    await vi.waitFor(() => expect(told).toEqual(['added default/a']));
  });

  it('shows a write at once when told of it, and only once', async () => {
    const { client } = await openTestApi();
    const informer = new Informer<ConfigMap>(client, configMaps);
    const { told } = follow(informer);
    await informer.synced();
    const made = await maps.create(client, 'a');
    informer.observe(made);
    expect(informer.get('default/a')).toEqual(made);
    await maps.create(client, 'b');
    await vi.waitFor(() => expect(told).toContain('added default/b'));
    expect(told).toEqual(['added default/a', 'added default/b']);

    // What is older than the watch brings nothing back.
    await maps.delete(client, 'a');
    await vi.waitFor(() => expect(told).toContain('deleted default/a'));
    informer.observe(made);
    expect(informer.get('default/a')).toBeUndefined();
  });

  it('ends when told to, also before its first list', async () => {
    const { client } = await openTestApi();
    const informer = new Informer<ConfigMap>(client, configMaps);
    const abort = new AbortController();
    abort.abort();
    await informer.start(abort.signal);
    await expect(informer.synced()).rejects.toThrow('stopped before its first list');
  });
});

const versioned = (name: string, resourceVersion: string, uid = name): ConfigMap =>
  configMap('default', name, {}, { resourceVersion, uid });
const expired = {
  type: 'ERROR',
  object: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason: 'Expired',
    code: 410,
    message: 'too old resource version',
  },
};

/** A server with scripted lists (each in turn, the last for ever) and watches (told as they are asked for). */
async function scripted(lists: readonly { version: string; items: readonly ConfigMap[] }[]): Promise<{
  server: ScriptedServer;
  informer: (options?: object) => Informer<ConfigMap>;
  watches: { readonly version: string | null; send: (event: object) => void; end: () => void; break: () => void }[];
}> {
  let listed = 0;
  const watches: { version: string | null; send: (event: object) => void; end: () => void; break: () => void }[] = [];
  const server = await new ScriptedServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    if (searchParams.get('watch') !== 'true') {
      const { version, items } = lists[Math.min(listed++, lists.length - 1)] ?? { version: '1', items: [] };
      return sendJson(response, { kind: 'ConfigMapList', apiVersion: 'v1', metadata: { resourceVersion: version }, items });
    }
    response.writeHead(200).flushHeaders();
    const send = (event: object): void => void response.write(`${JSON.stringify(event)}\n`);
    watches.push({ version: searchParams.get('resourceVersion'), send, end: () => response.end(), break: () => response.destroy() });
  }).listen();
  const client = createHttpClient(server.connection());
  onTestEnd(async () => {
    client.close();
    await server.close();
  });
  return { server, watches, informer: (options) => new Informer<ConfigMap>(client, configMaps, options) };
}

describe('Informer when the server misbehaves', () => {
  it('goes on where it was after a disconnect, and after the server ended the watch', async () => {
    const { informer: make, watches, server } = await scripted([{ version: '10', items: [versioned('a', '9')] }]);
    const informer = make();
    const { told } = follow(informer);
    await vi.waitFor(() => expect(watches).toHaveLength(1));
    watches[0]?.send({ type: 'MODIFIED', object: versioned('a', '11') });
    await vi.waitFor(() => expect(told).toContain('updated default/a'));
    watches[0]?.break();
    await vi.waitFor(() => expect(watches).toHaveLength(2));
    watches[1]?.send({ type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { resourceVersion: '20' } } });
    watches[1]?.end();
    await vi.waitFor(() => expect(watches).toHaveLength(3));
    expect(watches.map(({ version }) => version)).toEqual(['10', '11', '20']);
    expect(server.requests.filter((request) => !request.includes('watch=true'))).toHaveLength(1);
    expect(told).toEqual(['added default/a', 'updated default/a']);
  });

  it('lists again after 410, and tells the difference', async () => {
    const { informer: make, watches } = await scripted([
      {
        version: '10',
        items: [versioned('same', '1'), versioned('gone', '2'), versioned('changed', '3'), versioned('remade', '4', 'old')],
      },
      {
        version: '50',
        items: [versioned('same', '1'), versioned('changed', '40'), versioned('remade', '41', 'new'), versioned('new', '42')],
      },
    ]);
    const informer = make();
    const { told } = follow(informer);
    await vi.waitFor(() => expect(watches).toHaveLength(1));
    told.length = 0;
    watches[0]?.send(expired);
    await vi.waitFor(() => expect(watches).toHaveLength(2));
    expect(watches[1]?.version).toBe('50');
    expect(told.toSorted()).toEqual([
      'added default/new',
      'added default/remade',
      'deleted default/gone',
      'deleted default/remade',
      'updated default/changed',
    ]);
    expect(informer.get('default/remade')?.metadata.uid).toBe('new');
  });

  it('takes a watch that says nothing for too long for broken', async () => {
    const { informer: make, watches } = await scripted([{ version: '10', items: [] }]);
    const informer = make({ stallSeconds: 0.1 });
    const { told } = follow(informer);
    await vi.waitFor(() => expect(watches.length).toBeGreaterThan(1), { timeout: 5000 });
    watches.at(-1)?.send({ type: 'ADDED', object: versioned('a', '11') });
    await vi.waitFor(() => expect(told).toEqual(['added default/a']));
  });

  it('asks a server that is away often, and one that is broken less and less', async () => {
    const { server, informer: make } = await scripted([]);
    const delays: number[] = [];
    const clock: Clock = {
      now: () => Date.now(),
      sleep: async (ms, signal) => {
        delays.push(ms);
        await nextTurn(undefined, { signal });
      },
    };
    const longestAfter = async (answer: typeof server.answer): Promise<number> => {
      server.answer = answer;
      delays.length = 0;
      const informer = make({ clock });
      const { stop } = follow(informer);
      await vi.waitFor(() => expect(delays.length).toBeGreaterThan(20), { timeout: 5000 });
      expect(informer.isCurrent).toBe(false);
      await stop();
      return Math.max(...delays);
    };
    expect(await longestAfter((request) => request.socket.destroy())).toBeLessThanOrEqual(1000);
    expect(
      await longestAfter((_, response) =>
        sendJson(response, { kind: 'Status', status: 'Failure', reason: 'InternalError', code: 500 }, 500),
      ),
    ).toBeGreaterThan(4999);
  });

  it('waits for a server that is not there yet', async () => {
    const { server, informer: make, watches } = await scripted([{ version: '10', items: [versioned('a', '9')] }]);
    const answer = server.answer;
    let refused = 0;
    server.answer = (request, response) => {
      refused += 1;
      if (refused === 1) request.socket.destroy();
      else sendJson(response, { kind: 'Status', status: 'Failure', reason: 'ServiceUnavailable', code: 503 }, 503);
    };
    const informer = make();
    const { told } = follow(informer);
    await vi.waitFor(() => expect(refused).toBeGreaterThanOrEqual(3), { timeout: 5000 });
    expect(informer.hasSynced).toBe(false);
    server.answer = answer;
    await vi.waitFor(() => expect(watches).toHaveLength(1), { timeout: 5000 });
    expect(told).toEqual(['added default/a']);
    expect(informer.isCurrent).toBe(true);
  });
});
