/** What every driver of the run port must do. `open` gives a store on the same data each time, closed by the caller. */
import { afterEach, beforeEach, expect, it } from 'vitest';

import { type NewRun, noTasks, type RunStore } from './runs.ts';

const run = (uid: string, more: Partial<NewRun> = {}): NewRun => ({
  uid,
  namespace: 'default',
  name: `run-${uid}`,
  kind: 'execution',
  place: 'instances',
  job: 'job',
  spec: { taskCount: 1 },
  createdAt: 1000,
  ...more,
});

const fence = (epoch: number): { scope: string; epoch: number } => ({ scope: 'controllers', epoch });

export function runContract(open: () => Promise<RunStore>): void {
  let store: RunStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());
  const uidsOf = (runs: readonly { uid: string }[]): readonly string[] => runs.map(({ uid }) => uid);

  it('keeps what it was told of a run, also when opened again', async () => {
    const spec = { call: { function: 'f', args: ['ü 😀 \u0000 \ud800', 1.5, null] } };
    const [made] = await store.insert([run('a', { spec, labels: { app: 'x', 'tsumugi.dev/y': '' } })]);
    expect(made).toMatchObject({ status: 'queued', desired: 'run', counts: noTasks, spec });
    expect(made).not.toHaveProperty('startedAt');
    const again = await open();
    expect(await again.get(['none', 'a'])).toEqual([undefined, made]);
    expect(await again.find('default', ['run-a', 'run-b'])).toEqual([made, undefined]);
    expect(await again.find('other', ['run-a'])).toEqual([undefined]);
    await again.close();
  });

  it('takes the same run twice, and refuses its name to another', async () => {
    await store.insert([run('a')]);
    await store.commit([{ uid: 'a', set: { status: 'running' } }]);
    const [again] = await store.insert([run('a', { spec: 'other' })]);
    expect(again).toMatchObject({ status: 'running', spec: { taskCount: 1 } });
    await expect(store.insert([run('c'), run('b', { name: 'run-a' })])).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('"run-a"'),
    });
    expect(await store.get(['b', 'c'])).toEqual([undefined, undefined]);
    await store.insert([run('b', { name: 'run-a', namespace: 'other' })]);
  });

  it('writes state, tasks and events at once, and gives them back', async () => {
    await store.insert([run('a')]);
    const event = { type: 'dev.tsumugi.runner.running', data: { runnerId: 'a' } };
    await store.commit([
      {
        uid: 'a',
        set: { status: 'running', startedAt: 5, reason: 'Admitted', memo: { at: [1] } },
        tasks: [
          { index: 1, attempt: 0, status: 'running', startedAt: 6, pod: 'p' },
          { index: 0, attempt: 2, firstAttempt: 1, status: 'failed', startedAt: 5, endedAt: 7, exitCode: 3, error: 'no \u0000 way' },
        ],
        events: [event],
      },
    ]);
    await store.commit([
      {
        uid: 'a',
        set: { status: 'succeeded', endedAt: 9, result: { deep: ['ü'] }, reason: null, counts: { ...noTasks, succeeded: 2, retried: 3 } },
        tasks: [{ index: 1, attempt: 1, status: 'succeeded', startedAt: 6, endedAt: 8, exitCode: 0, result: null }],
        events: [{ type: 'second' }],
      },
    ]);
    const [found] = await store.get(['a']);
    expect(found).toMatchObject({ status: 'succeeded', startedAt: 5, endedAt: 9, result: { deep: ['ü'] }, memo: { at: [1] } });
    expect(found?.counts).toEqual({ ...noTasks, succeeded: 2, retried: 3 });
    expect(found).not.toHaveProperty('reason');
    const tasks = await store.tasks('a', { limit: 10 });
    expect(tasks.map((task) => task.error?.replace('\u0000', '\ufffd'))).toEqual(['no \ufffd way', undefined]);
    expect(tasks[0]).toMatchObject({ index: 0, attempt: 2, firstAttempt: 1, status: 'failed', startedAt: 5, endedAt: 7, exitCode: 3 });
    expect(tasks[1]).toEqual({ index: 1, attempt: 1, status: 'succeeded', startedAt: 6, endedAt: 8, exitCode: 0, result: null });
    const events = await store.events({ limit: 10 });
    expect(events.map(({ event: each }) => each)).toEqual([event, { type: 'second' }]);
    expect(events[0]).toMatchObject({ namespace: 'default', run: 'a' });
    expect(await store.events({ limit: 10, after: events[0]?.sequence ?? 0 })).toEqual([events[1]]);
    expect(await store.events({ limit: 10, namespace: 'other' })).toEqual([]);
  });

  it('writes all of a commit or nothing of it', async () => {
    const [first] = await store.insert([run('a'), run('b')]);
    const set = { status: 'running' } as const;
    const more = { tasks: [{ index: 0, attempt: 0, status: 'running' }], events: [{}] } as const;
    await expect(
      store.commit([
        { uid: 'a', set, ...more },
        { uid: 'gone', set },
      ]),
    ).rejects.toMatchObject({ code: 'NotFound' });
    await expect(
      store.commit([
        { uid: 'a', set, ...more },
        { uid: 'b', version: 99, set },
      ]),
    ).rejects.toMatchObject({ code: 'Conflict' });
    expect(await store.get(['a'])).toEqual([first]);
    expect(await store.tasks('a', { limit: 1 })).toEqual([]);
    expect(await store.events({ limit: 1 })).toEqual([]);
  });

  it('raises the version with each write, and takes a write for the present one alone', async () => {
    const [made] = await store.insert([run('a')]);
    const version = made?.version ?? 0;
    await store.commit([{ uid: 'a', version, set: { status: 'running' } }]);
    await expect(store.commit([{ uid: 'a', version, set: { status: 'failed' } }])).rejects.toMatchObject({ code: 'Conflict' });
    const wanted = await store.want('a', 'pause');
    expect(wanted).toMatchObject({ status: 'running', desired: 'pause' });
    expect(wanted.version).toBeGreaterThan(version + 1);
    await expect(store.want('a', 'run', version)).rejects.toMatchObject({ code: 'Conflict' });
    await store.want('a', 'run', wanted.version);
    await expect(store.want('none', 'run')).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('leaves what has ended as it is, until it is to be tried again', async () => {
    await store.insert([run('a')]);
    await store.commit([{ uid: 'a', set: { status: 'failed', endedAt: 3 } }]);
    expect(await store.want('a', 'cancel')).toMatchObject({ status: 'failed', desired: 'run' });
    expect(await store.open()).toEqual([]);
    await store.commit([{ uid: 'a', desired: 'run', set: { status: 'queued', endedAt: null } }]);
    expect(uidsOf(await store.open())).toEqual(['a']);
    expect((await store.get(['a']))[0]).not.toHaveProperty('endedAt');
  });

  it('tells of what has ended and is to be deleted', async () => {
    await store.insert([run('a'), run('b')]);
    await store.commit(['a', 'b'].map((uid) => ({ uid, set: { status: 'failed', endedAt: 3 } })));
    expect(await store.want('a', 'delete')).toMatchObject({ desired: 'delete' });
    expect(await store.open()).toMatchObject([{ uid: 'a', status: 'failed', desired: 'delete' }]);
  });

  it('tells what is open in the order in which it was asked for', async () => {
    await store.insert([run('c'), run('a'), run('b', { kind: 'runner', place: 'pods', job: '' })]);
    await store.commit([
      { uid: 'a', set: { status: 'succeeded', endedAt: 1 } },
      { uid: 'b', set: { admittedAt: 7 } },
    ]);
    await store.want('b', 'cancel');
    const [c, b] = await store.open();
    expect(c).toMatchObject({ uid: 'c', namespace: 'default', name: 'run-c', kind: 'execution', job: 'job', status: 'queued' });
    expect(b).toMatchObject({ uid: 'b', kind: 'runner', place: 'pods', desired: 'cancel', admittedAt: 7 });
    expect(c).not.toHaveProperty('admittedAt');
    expect(c).not.toHaveProperty('spec');
  });

  it('lists by every filter, the newest first, page by page', async () => {
    await store.insert([
      run('a', { labels: { app: 'x', tier: '1' } }),
      run('b', { namespace: 'other', createdAt: 2000 }),
      run('c', { kind: 'runner', job: 'f', createdAt: 3000, labels: { app: 'x' } }),
      run('d', { createdAt: 4000 }),
    ]);
    await store.commit([{ uid: 'd', set: { status: 'failed', endedAt: 1 } }]);
    const list = async (query: object): Promise<readonly string[]> => uidsOf(await store.list({ limit: 10, ...query }));
    expect(await list({})).toEqual(['d', 'c', 'b', 'a']);
    expect(await list({ namespace: 'default' })).toEqual(['d', 'c', 'a']);
    expect(await list({ kind: 'runner' })).toEqual(['c']);
    expect(await list({ job: 'job' })).toEqual(['d', 'b', 'a']);
    expect(await list({ status: ['failed', 'running'] })).toEqual(['d']);
    expect(await list({ since: 2000, namespace: 'default' })).toEqual(['d', 'c']);
    expect(await list({ labels: { app: 'x' } })).toEqual(['c', 'a']);
    expect(await list({ labels: { app: 'x', tier: '1' } })).toEqual(['a']);
    expect(await list({ labels: { 'a"b': 'x' } })).toEqual([]);
    expect(await store.count({ namespace: 'default' })).toBe(3);
    expect(await store.count({ labels: { app: 'x' }, status: ['queued'] })).toBe(2);
    const page = await store.list({ limit: 2, namespace: 'default' });
    expect(await list({ namespace: 'default', before: page[1]?.sequence })).toEqual(['a']);
  });

  it('lists tasks by status and page by page', async () => {
    await store.insert([run('a'), run('b')]);
    const tasks = Array.from({ length: 25 }, (_, index) => ({ index, attempt: 0, status: index % 2 ? 'failed' : 'succeeded' }) as const);
    await store.commit([{ uid: 'a', tasks }]);
    const indexes = async (query: object): Promise<readonly number[]> =>
      (await store.tasks('a', { limit: 3, ...query })).map(({ index }) => index);
    expect(await indexes({})).toEqual([0, 1, 2]);
    expect(await indexes({ after: 2 })).toEqual([3, 4, 5]);
    expect(await indexes({ status: ['failed'], after: 20 })).toEqual([21, 23]);
    expect(await store.tasks('b', { limit: 3 })).toEqual([]);
  });

  it('deletes a run with its tasks; its name is free again, its events stay', async () => {
    await store.insert([run('a')]);
    await store.commit([{ uid: 'a', tasks: [{ index: 0, attempt: 0, status: 'running' }], events: [{ n: 1 }] }]);
    await store.delete(['a', 'none']);
    expect(await store.get(['a'])).toEqual([undefined]);
    await store.insert([run('b', { name: 'run-a' })]);
    expect(await store.tasks('b', { limit: 1 })).toEqual([]);
    expect(await store.events({ limit: 5 })).toHaveLength(1);
  });

  it('lists what ended long ago', async () => {
    await store.insert([run('a'), run('b'), run('c')]);
    await store.commit([
      { uid: 'a', set: { status: 'failed', endedAt: 10 } },
      { uid: 'b', set: { status: 'failed', endedAt: 20 } },
    ]);
    expect(uidsOf(await store.list({ limit: 5, endedBefore: 20 }))).toEqual(['a']);
    expect(uidsOf(await store.list({ limit: 5, endedBefore: 21 }))).toEqual(['b', 'a']);
  });

  it('tells events after a sequence, since a time, of a namespace; trims old ones', async () => {
    await store.insert([run('a'), run('b', { namespace: 'other' })]);
    const start = Date.now();
    await store.commit([
      { uid: 'a', events: [{ n: 1 }, { n: 2 }] },
      { uid: 'b', events: [{ n: 3 }] },
    ]);
    const told = async (query: object): Promise<readonly unknown[]> =>
      (await store.events({ limit: 5, ...query })).map(({ event }) => (event as { n: number }).n);
    const [first] = await store.events({ limit: 1 });
    expect(first).toMatchObject({ namespace: 'default', run: 'a', event: { n: 1 } });
    expect(await told({ after: first?.sequence })).toEqual([2, 3]);
    expect(await told({ namespace: 'other' })).toEqual([3]);
    expect(await told({ since: start, namespace: 'default', after: first?.sequence })).toEqual([2]);
    expect(await told({ since: Date.now() + 60_000 })).toEqual([]);
    await store.trimEvents(start);
    expect(await told({})).toEqual([1, 2, 3]);
    await store.trimEvents(Date.now() + 60_000);
    expect(await told({})).toEqual([]);
  });

  it('keeps until when a run may wait', async () => {
    const [made] = await store.insert([run('a', { queueUntil: 5 }), run('b')]);
    expect(made).toMatchObject({ queueUntil: 5 });
    const [a, b] = await store.open();
    expect(a).toMatchObject({ queueUntil: 5 });
    expect(b).not.toHaveProperty('queueUntil');
    await store.commit([
      { uid: 'a', set: { queueUntil: null } },
      { uid: 'b', set: { queueUntil: 7 } },
    ]);
    expect((await store.open()).map(({ queueUntil }) => queueUntil)).toEqual([undefined, 7]);
  });

  it('takes nothing from a leader whose epoch is over', async () => {
    await store.insert([run('a')]);
    await store.commit([{ uid: 'a', set: { status: 'running' } }], fence(4));
    const refused = { code: 'Conflict', message: expect.stringContaining('epoch 3') };
    await expect(store.commit([{ uid: 'a', set: { status: 'failed' } }], fence(3))).rejects.toMatchObject(refused);
    await expect(store.delete(['a'], fence(3))).rejects.toMatchObject(refused);
    await expect(store.trimEvents(1e15, fence(3))).rejects.toMatchObject(refused);
    expect((await store.get(['a']))[0]).toMatchObject({ status: 'running' });
    await store.commit([{ uid: 'a', set: { status: 'failed', endedAt: 1 } }], fence(5));
  });

  it('takes what two write at once', async () => {
    const other = await open();
    const uids = Array.from({ length: 30 }, (_, n) => `u${n}`);
    await Promise.all(uids.map((uid, n) => (n % 2 ? store : other).insert([run(uid)])));
    await Promise.all(uids.map((uid, n) => (n % 3 ? store : other).commit([{ uid, set: { status: 'running' }, events: [{ uid }] }])));
    await other.close();
    expect((await store.open()).map(({ status }) => status)).toEqual(uids.map(() => 'running'));
    expect(await store.events({ limit: 100 })).toHaveLength(30);
  });
}
