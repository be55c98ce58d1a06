/** What every driver of the store port must do. `open` gives a store on the same data each time, closed by the caller. */
import { afterEach, beforeEach, expect, it } from 'vitest';

import { type KeyValueStore, maxValueBytes, type StoreWrite } from './store.ts';

const namespace = 'default';
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const write = (key: string, value: string, more: Partial<StoreWrite> = {}): StoreWrite => ({
  namespace,
  key,
  value: text(value),
  isJson: false,
  ...more,
});

export function storeContract(open: () => Promise<KeyValueStore>): void {
  let store: KeyValueStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const valueOf = async (key: string, of = store, where = namespace): Promise<string | undefined> => {
    const [found] = await of.get([{ namespace: where, key }]);
    return found && Buffer.from(found.value).toString();
  };
  const set = async (key: string, value: string, more: Partial<StoreWrite> = {}): Promise<number | undefined> =>
    (await store.set([write(key, value, more)]))[0];
  const keys = async (prefix: string): Promise<string[]> =>
    (await store.list({ namespace, prefix, limit: 100 })).entries.map(({ key }) => key);

  /** Due times come on their own. */
  const gone = async (look: () => Promise<unknown>): Promise<void> => {
    while ((await look()) !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it('gives back what was set, in the order asked for, and undefined for what is not there', async () => {
    const bytes = new Uint8Array([0, 255, 10, 0]);
    const versions = await store.set([write('a', '{"n":1}', { isJson: true }), write('b', '', { value: bytes })]);
    const got = await store.get(['b', 'none', 'a'].map((key) => ({ namespace, key })));
    expect(got.map((each) => each && { ...each, value: [...each.value] })).toEqual([
      { key: 'b', version: versions[1], bytes: 4, isJson: false, value: [...bytes] },
      undefined,
      { key: 'a', version: versions[0], bytes: 7, isJson: true, value: [...text('{"n":1}')] },
    ]);
  });

  it('keeps namespaces apart', async () => {
    await store.set([write('k', 'ours'), write('k', 'theirs', { namespace: 'other' })]);
    expect([await valueOf('k'), await valueOf('k', store, 'other'), await valueOf('k', store, 'third')]).toEqual([
      'ours',
      'theirs',
      undefined,
    ]);
    expect(await store.delete([{ namespace: 'other', key: 'k' }])).toEqual([true]);
    expect(await valueOf('k')).toBe('ours');
    expect([...(await store.namespaces())]).toEqual(['default']);
  });

  it('has everything that was acknowledged when opened again', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => set(`k${n}`, `v${n}`)));
    const again = await open();
    expect(await valueOf('k49', again)).toBe('v49');
    expect(await again.set([write('k0', 'later')])).toEqual([expect.any(Number)]);
    await again.close();
    expect(await valueOf('k0')).toBe('later');
  });

  it('gives every write a version that is greater than all before, also when the key was gone in between', async () => {
    const versions = [await set('a', '1'), await set('b', '1'), await set('a', '2')];
    await store.delete([{ namespace, key: 'a' }]);
    versions.push(await set('a', '1'));
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => (a ?? 0) - (b ?? 0)));
    expect(versions).not.toContain(undefined);
  });

  it('writes only on the version that was read, and where nothing is for version 0', async () => {
    const first = await set('a', '1', { ifVersion: 0 });
    expect(first).toBeGreaterThan(0);
    expect(await set('a', 'lost', { ifVersion: 0 })).toBeUndefined();
    const second = await set('a', '2', { ifVersion: first ?? -1 });
    expect(await set('a', 'lost', { ifVersion: first ?? -1 })).toBeUndefined();
    expect(await set('none', 'lost', { ifVersion: 7 })).toBeUndefined();
    expect([await valueOf('a'), await valueOf('none')]).toEqual(['2', undefined]);
    expect(await store.delete([{ namespace, key: 'a', ifVersion: first ?? -1 }])).toEqual([false]);
    expect(await store.delete([{ namespace, key: 'a', ifVersion: second ?? -1 }])).toEqual([true]);
    expect(await store.delete([{ namespace, key: 'a' }])).toEqual([false]);
  });

  it('a condition that does not hold keeps none of the others from being written', async () => {
    await set('taken', 'old');
    const outcome = await store.set([write('x', '1'), write('taken', 'new', { ifVersion: 0 }), write('y', '2')]);
    expect(outcome).toEqual([expect.any(Number), undefined, expect.any(Number)]);
    expect([await valueOf('x'), await valueOf('taken'), await valueOf('y')]).toEqual(['1', 'old', '2']);
  });

  it('the later of two writes of one key in a batch counts', async () => {
    const [first, second] = await store.set([write('k', 'first'), write('k', 'second')]);
    expect(second).toBeGreaterThan(first ?? Infinity);
    expect(await valueOf('k')).toBe('second');
  });

  it('of many who add one at the same time by compare-and-set, none is lost', async () => {
    const others = await Promise.all([open(), open()]);
    const add = async (to: KeyValueStore): Promise<void> => {
      for (;;) {
        const [now] = await to.get([{ namespace, key: 'n' }]);
        const next = String(Number(now ? Buffer.from(now.value).toString() : 0) + 1);
        const [written] = await to.set([write('n', next, { ifVersion: now?.version ?? 0 })]);
        if (written !== undefined) return;
      }
    };
    await Promise.all([store, ...others].flatMap((each) => Array.from({ length: 10 }, () => add(each))));
    expect(await valueOf('n')).toBe('30');
    await Promise.all(others.map((each) => each.close()));
  });

  it('lists by prefix in the order of the keys, in pages, whatever is deleted meanwhile', async () => {
    const all = ['a', 'p/', 'p/1', 'p/10', 'p/2', 'p/_', 'p/%', 'p/é', 'p/\u{1f600}', 'p/\uffee', 'p0', 'q'];
    await store.set(all.map((key) => write(key, key)));
    const wanted = all.filter((key) => key.startsWith('p/')).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await keys('p/')).toEqual(wanted);
    expect(await keys('')).toHaveLength(all.length);
    // `%` and `_` are letters like all others.
    expect(await keys('p/%')).toEqual(['p/%']);
    expect(await keys('p/_')).toEqual(['p/_']);
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await store.list({ namespace, prefix: 'p/', limit: 3, ...(after !== undefined && { after }) });
      expect(page.entries.length).toBeLessThanOrEqual(3);
      seen.push(...page.entries.map(({ key }) => key));
      if (page.next === undefined) break;
      await store.delete([{ namespace, key: page.next }]);
      after = page.next;
    }
    expect(seen).toEqual(wanted);
  });

  it('has a key until its time is over, and then as if it had never been', async () => {
    const expiresAt = Date.now() + 3_600_000;
    await store.set([write('short', 'x', { ttlMs: 30 }), write('long', 'x', { ttlMs: 3_600_000 })]);
    const [long] = await store.get([{ namespace, key: 'long' }]);
    expect(Math.abs((long?.expiresAt ?? 0) - expiresAt)).toBeLessThan(60_000);
    await gone(() => valueOf('short'));
    expect(await keys('')).toEqual(['long']);
    expect(await store.delete([{ namespace, key: 'short' }])).toEqual([false]);
    await set('short', 'x', { ttlMs: 30 });
    await gone(() => valueOf('short'));
    expect(await set('short', 'again', { ifVersion: 0 })).toBeGreaterThan(0);
    // A time goes with the value that had it.
    await set('long', 'y');
    expect(await store.get([{ namespace, key: 'long' }])).toEqual([expect.not.objectContaining({ expiresAt: expect.anything() })]);
  });

  it('trims what is due and namespaces that are gone, and nothing else', async () => {
    await store.set([
      write('due', 'x', { ttlMs: 20 }),
      write('later', 'x', { ttlMs: 3_600_000 }),
      write('stays', 'x'),
      write('k', 'x', { namespace: 'deleted' }),
    ]);
    await gone(() => valueOf('due'));
    expect(await store.trim()).toBe(1);
    expect(await store.trim()).toBe(0);
    expect(await store.trim({ namespaces: ['deleted', 'never-was'] })).toBe(1);
    expect(await keys('')).toEqual(['later', 'stays']);
    expect(await valueOf('k', store, 'deleted')).toBeUndefined();
  });

  it('drops nothing for a leader whose epoch is over', async () => {
    await set('k', 'x', { namespace: 'deleted' });
    await store.trim({ fence: { scope: 'controllers', epoch: 4 } });
    await expect(store.trim({ namespaces: ['deleted'], fence: { scope: 'controllers', epoch: 3 } })).rejects.toMatchObject({
      code: 'Conflict',
    });
    expect(await valueOf('k', store, 'deleted')).toBe('x');
  });

  it('takes a value of the greatest size, and refuses what can never be', async () => {
    const [version] = await store.set([write('big', '', { value: new Uint8Array(maxValueBytes).fill(7) })]);
    expect(await store.get([{ namespace, key: 'big' }])).toMatchObject([{ version, bytes: maxValueBytes }]);
    const refused = (more: Partial<StoreWrite>): Promise<unknown> => store.set([write('k', 'x', more)]);
    await expect(refused({ value: new Uint8Array(maxValueBytes + 1) })).rejects.toMatchObject({ code: 'TooLarge' });
    for (const key of ['', 'x'.repeat(513), 'é'.repeat(257), 'a\0b', 'a\nb', '\ud800'])
      await expect(refused({ key })).rejects.toMatchObject({ code: 'Invalid', field: 'key', hint: expect.any(String) });
    for (const ttlMs of [0, -1, Number.NaN, Infinity])
      await expect(refused({ ttlMs })).rejects.toMatchObject({ code: 'Invalid', field: 'ttlSeconds' });
    expect(await keys('')).toEqual(['big']);
  });
}
