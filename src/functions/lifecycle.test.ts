/** What happens to functions over time: updates, scale, idleness, harm, restarts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ProjectionEvent } from '../invoke/projection.ts';
import { conditionOf } from '../resources/conditions.ts';
import { functions as functionResource, namespaces, pods, runtimes } from '../resources/resources.ts';
import type { Pod } from '../resources/builtin/pod-types.ts';
import { overriding } from './testing/client.ts';
import { eventually, invoke, TestPlatform } from './testing/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const podsOf = async (name: string): Promise<readonly Pod[]> =>
  (await platform.client.list<Pod>(pods, { namespace: 'default', labelSelector: `tsumugi.dev/function=${name}` })).items;

describe('an update', () => {
  it('makes the next revision, starts it beside the old and then moves the traffic', async () => {
    await platform.inline('up', `export default () => 'one';`);
    await platform.ready('up');
    const old = await platform.instance('up');
    await platform.inline('up', `export default () => 'two';`);
    const object = await platform.ready('up');
    expect(object.status?.latestReadyRevision).toBe('up-00002');
    const fresh = await platform.instance('up');
    expect(fresh.id).not.toBe(old.id);
    expect(await invoke(fresh, '/')).toBe('two');
    await eventually(async () => expect((await podsOf('up')).map((pod) => pod.metadata.uid)).toEqual([fresh.id]));
  });

  it('that cannot be loaded leaves the traffic where it is and says why', async () => {
    await platform.inline('bad', `export default () => 'good';`);
    await platform.ready('bad');
    const instance = await platform.instance('bad');
    await platform.inline('bad', `throw new Error('no luck');\nexport default () => 'bad';`);
    const object = await platform.ready('bad', 'False');
    expect(conditionOf(object, 'Ready')).toMatchObject({
      reason: 'RevisionFailed',
      message: expect.stringMatching(/bad-00002 failed, bad-00001 keeps the traffic: .*no luck/),
    });
    expect(object.status?.latestReadyRevision).toBe('bad-00001');
    expect(await invoke(instance, '/')).toBe('good');
  });

  it('of scale alone makes no revision', async () => {
    await platform.inline('scaled', `export default () => 1;`, { scale: { max: 2 } });
    await platform.ready('scaled');
    await platform.inline('scaled', `export default () => 1;`, { scale: { max: 5 } });
    await platform.ready('scaled');
    expect(await platform.revisionNames('scaled')).toEqual(['scaled-00001']);
  });

  it('keeps few old revisions', async () => {
    for (let n = 1; n <= 7; n++) {
      await platform.inline('many', `export default () => ${n};`);
      await platform.ready('many');
    }
    await eventually(async () =>
      expect(await platform.revisionNames('many')).toEqual(['many-00004', 'many-00005', 'many-00006', 'many-00007']),
    );
  });
});

describe('scale', () => {
  it('starts another instance for each ask, never more than the greatest number', async () => {
    await platform.inline('wide', `export default () => 1;`, { concurrency: 1, scale: { max: 5 } });
    await platform.ready('wide');
    await Promise.all(Array.from({ length: 20 }, () => platform.instance('wide')));
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push((await platform.instance('wide', ids)).id);
    expect(new Set(ids).size).toBe(5);
    expect(await platform.activate('wide', ids)).toMatchObject({ error: { code: 'Busy', retryAfterSeconds: 1 } });
    await eventually(async () => expect(new Set((await podsOf('wide')).map((pod) => pod.metadata.uid))).toEqual(new Set(ids)));
  });

  it('keeps the least number without being asked, and goes to none when idle', async () => {
    await platform.inline('warm', `export default () => 1;`, { scale: { min: 2, max: 5, idleTimeoutSeconds: 1 } });
    await platform.ready('warm');
    await eventually(async () => expect(await podsOf('warm')).toHaveLength(2));
    await platform.instance(
      'warm',
      (await podsOf('warm')).map((pod) => pod.metadata.uid ?? ''),
    );
    await eventually(async () => expect(await podsOf('warm')).toHaveLength(3));
    await eventually(async () => expect(await podsOf('warm')).toHaveLength(2));
    await platform.inline('warm', `export default () => 1;`, { scale: { min: 0, max: 5, idleTimeoutSeconds: 1 } });
    await eventually(async () => expect(await podsOf('warm')).toHaveLength(0));
  });

  it('waits for an instance that is at work, however long it takes', async () => {
    await platform.inline('slow', `export default async () => { await new Promise((r) => setTimeout(r, 3000)); return 'done'; };`, {
      scale: { max: 1, idleTimeoutSeconds: 1 },
    });
    await platform.ready('slow');
    expect(await platform.call('slow')).toBe('done');
  });
});

describe('harm', () => {
  it('an instance that dies is out of the projection and another answers', async () => {
    await platform.inline('mortal', `export default () => 'alive';`);
    await platform.ready('mortal');
    const first = await platform.instance('mortal');
    const seen = watchProjection();
    await seen.until((event) => event.op === 'put' && event.entry.kind === 'instance' && event.entry.id === first.id);
    platform.node.processOf(first.pod)?.kill('SIGKILL');
    await seen.until((event) => event.op === 'delete' && event.key === first.id);
    seen.stop();
    expect(await platform.call('mortal')).toBe('alive');
  });

  it('a pod of the pool that dies is replaced', async () => {
    const isGeneric = (pod: Pod): boolean => pod.status?.phase === 'Running' && !pod.metadata.labels?.['tsumugi.dev/function'];
    const generic = async () => (await platform.client.list<Pod>(pods, { namespace: 'default' })).items.filter(isGeneric);
    await eventually(async () => expect(await generic()).toHaveLength(3));
    const [victim] = await generic();
    platform.node.processOf(victim?.metadata.name ?? '')?.kill('SIGKILL');
    await eventually(async () => {
      const now = await generic();
      expect(now).toHaveLength(3);
      expect(now.map((pod) => pod.metadata.uid)).not.toContain(victim?.metadata.uid);
    });
  });

  it('an instance that a gateway reports as blocked is killed and its log kept', async () => {
    await platform.inline('hung', `export default () => { console.log('before'); for (;;); };`);
    await platform.ready('hung');
    const instance = await platform.instance('hung');
    const hanging = invoke(instance, '/x').catch((error: Error) => error.message);
    await eventually(async () => expect(await logTexts('hung')).toEqual(['before']));
    expect(
      (await platform.http('POST', `/v1/instances/${instance.id}/failed`, JSON.stringify({ reason: 'blocked', message: 'no PONG' })))
        .status,
    ).toBe(204);
    expect(await hanging).toBe('closed');
    await eventually(async () => expect(await podsOf('hung')).toHaveLength(0));
    expect(await logTexts('hung')).toEqual(['before']);
  });
});

describe('the log of a function', () => {
  it('is told by line with the invocation, from living and dead instances, and followed', async () => {
    await platform.inline(
      'talker',
      `export default (request: Request) => { console.log('path', new URL(request.url).pathname); return 1; };`,
    );
    await platform.ready('talker');
    const first = await platform.instance('talker');
    await invoke(first, '/a');
    const stop = new AbortController();
    const followed: string[] = [];
    const following = platform.stream('/v1/namespaces/default/functions/talker/logs?follow=true', stop.signal, (line) =>
      followed.push((JSON.parse(line) as { text: string }).text),
    );
    await eventually(async () => expect(await logTexts('talker')).toEqual(['path /a']));
    platform.node.processOf(first.pod)?.kill('SIGKILL');
    // Not by its label, which may not be there yet.
    await eventually(async () =>
      expect((await platform.client.list(pods, { namespace: 'default' })).items.map(({ metadata }) => metadata.uid)).not.toContain(
        first.id,
      ),
    );
    await platform.call('talker', '/b');
    const all = ['path /a', 'the process was ended by SIGKILL', 'path /b'];
    await eventually(async () => expect(await logTexts('talker')).toEqual(all));
    const [entry] = await logEntries('talker', '?tail=1');
    expect(entry).toMatchObject({
      invocation: 'req-b',
      text: 'path /b',
      pod: expect.stringMatching(/^node-/),
      time: expect.stringMatching(/^\d{4}-/),
    });
    await eventually(() => expect(followed).toEqual(all));
    stop.abort();
    await following;
  });

  it('of a function that does not exist is NotFound', async () => {
    expect((await platform.http('GET', '/v1/namespaces/default/functions/nobody/logs')).status).toBe(404);
  });
});

describe('a control plane that is stopped and started again', () => {
  it('finds its instances, makes nothing twice and goes on', async () => {
    await platform.inline('stays', `let n = 0; export default () => ++n;`);
    await platform.ready('stays');
    const before = await platform.instance('stays');
    expect(await invoke(before, '/')).toBe('1');
    await platform.stopFunctions();
    await platform.inline('meanwhile', `export default () => 'made while nobody looked';`);
    await platform.startFunctions();
    const after = await platform.instance('stays');
    expect(after).toEqual(before);
    expect(await invoke(after, '/')).toBe('2');
    expect(await platform.revisionNames('stays')).toEqual(['stays-00001']);
    await platform.ready('meanwhile');
    expect(await platform.call('meanwhile')).toBe('made while nobody looked');
  });

  it('ends an instance that loads for ever, and whose claimant has died', async () => {
    const { client } = platform;
    const waiting = async () => (await client.list<Pod>(pods, { labelSelector: '!tsumugi.dev/function' })).items;
    await platform.inline('endless', `console.log('begun'); await new Promise(() => {}); export default () => 1;`);
    await platform.ready('endless');
    // Whoever dies takes nothing away any more.
    await platform.stopFunctions();
    await platform.startFunctions({ client: overriding(client, { delete: () => Promise.reject(new Error('dead')) }) });
    void platform.activate('endless').catch(() => undefined);
    const claimed = await eventually(async () => {
      for (const pod of await waiting())
        for await (const line of platform.node.podAccess.log(pod, { timestamps: false })) if (String(line).startsWith('begun')) return pod;
      throw new Error('none has begun');
    });
    await platform.stopFunctions();
    await platform.startFunctions({ loadTimeoutSeconds: 1 });
    await eventually(async () => expect((await waiting()).map(({ metadata }) => metadata.uid)).not.toContain(claimed.metadata.uid), 15_000);
    await eventually(async () => expect(await logTexts('endless')).toContain('begun'));
    await platform.client.delete(functionResource, { namespace: 'default', name: 'endless' });
    await platform.stopFunctions();
    await platform.startFunctions();
  });

  it('takes the labels of an instance where it was stopped before they were written', async () => {
    await platform.inline('unlabelled', `export default () => 1;`);
    await platform.ready('unlabelled');
    const instance = await platform.instance('unlabelled');
    await platform.stopFunctions();
    await platform.startFunctions();
    await eventually(async () => expect((await podsOf('unlabelled')).map((pod) => pod.metadata.uid)).toEqual([instance.id]));
  });

  it('takes no pod for one too many before it has said whether it is an instance', async () => {
    const { client } = platform;
    const size = (poolSize: number): Promise<unknown> =>
      client.patch(runtimes, { name: 'node' }, { type: 'merge', body: { spec: { poolSize } } });
    await platform.inline('unasked', `export default () => 'still here';`);
    await platform.ready('unasked');
    await platform.stopFunctions();
    // Nobody writes the labels of its instance, and when the next looks, the pool is to have no pod at all.
    await platform.startFunctions({
      client: overriding(client, { patch: (...args) => (args[0] === pods ? Promise.reject(new Error('dead')) : client.patch(...args)) }),
    });
    const instance = await platform.instance('unasked');
    await platform.stopFunctions();
    await size(0);
    await platform.startFunctions();
    try {
      await eventually(async () => expect((await podsOf('unasked')).map((pod) => pod.metadata.uid)).toEqual([instance.id]));
      expect(await invoke(instance, '/')).toBe('still here');
    } finally {
      await size(3);
    }
  });
});

describe('the end of a function', () => {
  it('takes it from the projection at once and its pods with it', async () => {
    await platform.inline('doomed', `export default () => 1;`);
    await platform.ready('doomed');
    const instance = await platform.instance('doomed');
    const seen = watchProjection();
    await seen.until((event) => event.op === 'synced');
    await platform.client.delete(functionResource, { namespace: 'default', name: 'doomed' });
    await seen.until((event) => event.op === 'delete' && event.kind === 'function' && event.key === 'default/doomed');
    await seen.until((event) => event.op === 'delete' && event.key === instance.id, 15_000);
    seen.stop();
    await eventually(() => expect(platform.node.isRunning(instance.pod)).toBe(false));
  });

  it('of the last one in a namespace takes the pool', async () => {
    await platform.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'side' } });
    await platform.apply('only', { source: { inline: 'export default () => 1;' } }, 'side');
    const inSide = async () => (await platform.client.list<Pod>(pods, { namespace: 'side' })).items;
    await eventually(async () => expect((await inSide()).filter((pod) => pod.status?.phase === 'Running')).toHaveLength(3));
    await platform.client.delete(functionResource, { namespace: 'side', name: 'only' });
    await eventually(async () => expect(await inSide()).toHaveLength(0));
  });
});

async function logEntries(name: string, query = ''): Promise<{ invocation?: string; text: string; pod: string; time: string }[]> {
  const text = await (await platform.http('GET', `/v1/namespaces/default/functions/${name}/logs${query}`)).text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { text: string; pod: string; time: string });
}

const logTexts = async (name: string): Promise<string[]> => (await logEntries(name)).map((entry) => entry.text);

/** A gateway's view, event by event. */
function watchProjection() {
  const stop = new AbortController();
  const lines: ProjectionEvent[] = [];
  let at = 0;
  void platform.stream('/v1/projection', stop.signal, (line) => lines.push(JSON.parse(line) as ProjectionEvent));
  return {
    stop: () => stop.abort(),
    until: (matches: (event: ProjectionEvent) => boolean, timeoutMs = 10_000) =>
      eventually(() => {
        while (at < lines.length) if (matches(lines[at++] as ProjectionEvent)) return;
        throw new Error(`not among the ${lines.length} events seen`);
      }, timeoutMs),
  };
}
