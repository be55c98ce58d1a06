/** What every driver of the storage port must do. `open` is called again on the same data after a `close`. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { HistoryGone } from './store.ts';
import type { Change, RowIndex, Store, StoredRow, StoreKey, Texts, Write } from './store.ts';

export interface StoreUnderTest {
  open(limits?: { readonly maxAgeMs?: number; readonly maxBytes?: number }): Store;
  /** Moves the driver's clock. */
  pass(ms: number): void;
  /** Removes the data; the store is closed. */
  dispose(): void;
}

const key = (name: string, namespace = 'ns', resource = 'things'): StoreKey => ({ resource, namespace, name });

const indexOf = (owners: readonly string[] = [], labels: Record<string, string> = {}): RowIndex => ({
  labels,
  fields: { 'metadata.name': 'x' },
  cells: ['a', 1, null],
  owners,
});

/** A write of `text`; the stored text carries the revision, as objects do. */
function put(at: StoreKey, expected: number, text: string, index: RowIndex = indexOf()): Write {
  return { key: at, expect: expected, next: (revision) => ({ uid: `uid-${at.name}`, text: `${text}@${revision}`, index }) };
}

const remove = (at: StoreKey, expected: number): Write => ({
  key: at,
  expect: expected,
  next: undefined,
  last: (revision) => ({ text: `last@${revision}` }),
});

export function storeContract(make: () => StoreUnderTest): void {
  let under: StoreUnderTest;
  let store: Store;
  beforeEach(() => {
    under = make();
    store = under.open();
  });
  afterEach(async () => {
    await store.close();
    under.dispose();
  });

  const one = async (write: Write): Promise<StoredRow> => {
    const [result] = await store.write([write]);
    if (!result?.ok) throw new Error('the write was refused');
    return result.row;
  };
  const create = (name: string, text = name, index?: RowIndex, namespace = 'ns'): Promise<StoredRow> =>
    one(put(key(name, namespace), 0, text, index));
  const names = (rows: readonly StoredRow[]): string[] => rows.map((row) => row.name);

  describe('writes', () => {
    it('gives back what was written, index and revision included', async () => {
      const row = await create('a', 'text', indexOf(['owner'], { app: 'x' }));
      const [found] = await store.get([key('a')]);
      expect(found).toMatchObject({ ...key('a'), uid: 'uid-a', revision: row.revision, text: `text@${row.revision}` });
      expect(found?.index).toEqual(indexOf(['owner'], { app: 'x' }));
      expect(store.revision()).toBe(row.revision);
    });

    it('knows nothing of other resources, namespaces and names', async () => {
      await create('a');
      expect(await store.get([key('a', 'other'), key('b'), key('a', 'ns', 'other')])).toEqual([undefined, undefined, undefined]);
    });

    it('refuses a write whose expectation does not hold, and shows what is there', async () => {
      const row = await create('a');
      const results = await store.write([
        put(key('a'), 0, 'again'),
        put(key('a'), row.revision + 1, 'newer'),
        put(key('b'), 5, 'b'),
        remove(key('b'), 0),
      ]);
      expect(results.map((result) => result.ok)).toEqual([false, false, false, false]);
      expect(results[0]).toMatchObject({ current: { name: 'a', revision: row.revision } });
      expect(results[2]).toMatchObject({ current: undefined });
      expect(store.revision()).toBe(row.revision);
    });

    it('refuses a write whose guard has changed', async () => {
      const guard = await create('guard');
      const guarded = (name: string): Write => ({ ...put(key(name), 0, name), guard: { key: key('guard'), revision: guard.revision } });
      expect((await store.write([guarded('a')]))[0]?.ok).toBe(true);
      const results = await store.write([put(key('guard'), guard.revision, 'changed'), guarded('b')]);
      expect(results).toMatchObject([{ ok: true }, { ok: false, current: undefined }]);
    });

    it('counts one global sequence up', async () => {
      const revisions = [(await create('a')).revision, (await create('b')).revision];
      revisions.push((await one(remove(key('a'), revisions[0] as number))).revision);
      expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
      expect(new Set(revisions).size).toBe(3);
    });

    it('lets each write of a batch stand alone', async () => {
      const results = await store.write([put(key('a'), 0, 'a'), put(key('a'), 0, 'a again'), put(key('b'), 0, 'b')]);
      expect(results.map((result) => result.ok)).toEqual([true, false, true]);
      expect(names((await store.list({ resource: 'things' })).rows)).toEqual(['a', 'b']);
    });

    it('lets exactly one of many writers of the same revision win', async () => {
      const { revision } = await create('a');
      const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.write([put(key('a'), revision, `w${n}`)])));
      expect(results.filter(([result]) => result?.ok)).toHaveLength(1);
    });

    it('makes a removed object anew with its name', async () => {
      const { revision } = await create('a');
      const gone = await one(remove(key('a'), revision));
      expect(gone.text).toBe(`last@${gone.revision}`);
      expect(await store.get([key('a')])).toEqual([undefined]);
      expect((await create('a', 'new')).text).toMatch(/^new@/);
    });

    it('reads what is there, however much was written or read in between', async () => {
      const long = 'x'.repeat(100_000);
      const rows: StoredRow[] = [];
      for (let n = 0; n < 30; n++) rows.push(await create(`${n}`, `${n} ${long}`));
      const changed = await one(put(key('3'), rows[3]?.revision ?? 0, 'changed'));
      await store.write([remove(key('4'), rows[4]?.revision ?? 0)]);
      const found = await store.get(rows.map(({ name }) => key(name)));
      expect(found.map((row) => row?.text)).toEqual(rows.map(({ text }, n) => (n === 3 ? changed.text : n === 4 ? undefined : text)));
    });

    it('refuses only the write whose text could not be made', async () => {
      const broken: Write = {
        key: key('bad'),
        expect: 0,
        next: () => {
          throw new Error('cannot be written');
        },
      };
      const [bad, good] = await Promise.allSettled([store.write([broken]), store.write([put(key('good'), 0, 'good')])]);
      expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'cannot be written' } });
      expect(good).toMatchObject({ status: 'fulfilled' });
      expect(names((await store.list({ resource: 'things' })).rows)).toEqual(['good']);
    });
  });

  describe('texts of lists', () => {
    const bodyOf = async ({ first, rest = none() }: Texts): Promise<string> => {
      let text = first;
      for await (const piece of rest) text += piece;
      return text;
    };
    async function* none(): AsyncGenerator<string> {}
    const named = (count: number): string[] => Array.from({ length: count }, (_, n) => `n${String(n).padStart(4, '0')}`);

    it('are those of the list, joined, each without its beginning', async () => {
      for (const [name, namespace] of [
        ['b', 'n2'],
        ['a', 'n2'],
        ['z', 'n1'],
      ] as const)
        await create(name, `cut é${name}`, indexOf(), namespace);
      const all = await store.texts({ resource: 'things', cut: 4, between: ',{' });
      expect(all).toEqual({ revision: store.revision(), first: 'éz@4,{éa@3,{éb@2' });
      expect(await bodyOf(await store.texts({ resource: 'things', namespace: 'n2', cut: 4, between: '' }))).toBe('éa@3éb@2');
      const after = { namespace: 'n2', name: 'a' };
      expect(await bodyOf(await store.texts({ resource: 'things', after, cut: 0, between: ',' }))).toBe('cut éb@2');
      expect(await store.texts({ resource: 'others', cut: 0, between: ',' })).toEqual({ revision: store.revision(), first: '' });
    });

    it.each([127, 128, 129, 256, 1000])('come in pieces (%d objects)', async (count) => {
      await store.write(named(count).map((name) => put(key(name), 0, name)));
      const expected = (await store.list({ resource: 'things' })).rows.map(({ text }) => text.slice(1)).join(', ');
      expect(await bodyOf(await store.texts({ resource: 'things', cut: 1, between: ', ' }))).toBe(expected);
    });

    it('show one state even when others write while they are taken', async () => {
      under.pass(1);
      await store.write(named(600).map((name) => put(key(name), 0, 't')));
      const { rows } = await store.list({ resource: 'things' });
      const texts = await store.texts({ resource: 'things', cut: 0, between: '|' });
      const [changed, gone] = [rows[300] as StoredRow, rows[599] as StoredRow];
      await store.write([put(key('n0300'), changed.revision, 'changed'), remove(gone, gone.revision), put(key('n0200-new'), 0, 'new')]);
      expect((await bodyOf(texts)).split('|')).toEqual(rows.map(({ text }) => text));
    });

    it('are of the state as it was, while that is kept', async () => {
      await store.close();
      store = under.open({ maxAgeMs: 1000, maxBytes: 1_000_000 });
      const { revision } = await create('a', 'before');
      await one(put(key('a'), revision, 'after'));
      expect(await store.texts({ resource: 'things', at: revision, cut: 0, between: '' })).toEqual({
        revision,
        first: `before@${revision}`,
      });
      under.pass(100_000);
      await create('b');
      under.pass(100_000);
      await create('c');
      await expect(store.texts({ resource: 'things', at: revision, cut: 0, between: '' })).rejects.toThrow(HistoryGone);
    });

    it('may be left before their end', async () => {
      await store.write(named(1000).map((name) => put(key(name), 0, 't')));
      for await (const piece of (await store.texts({ resource: 'things', cut: 0, between: '|' })).rest ?? none()) {
        expect(piece.startsWith('|t@')).toBe(true);
        break;
      }
      expect(await bodyOf(await store.texts({ resource: 'things', cut: 0, between: '' }))).toContain('t@1000');
    });
  });

  describe('lists', () => {
    it('are in the order of namespace and name', async () => {
      for (const [name, namespace] of [
        ['b', 'n2'],
        ['a', 'n2'],
        ['z', 'n1'],
        ['a', 'n1'],
      ] as const)
        await create(name, name, indexOf(), namespace);
      const all = await store.list({ resource: 'things' });
      expect(all.rows.map((row) => `${row.namespace}/${row.name}`)).toEqual(['n1/a', 'n1/z', 'n2/a', 'n2/b']);
      expect(all).toMatchObject({ remaining: 0, revision: store.revision() });
      expect(names((await store.list({ resource: 'things', namespace: 'n2' })).rows)).toEqual(['a', 'b']);
      expect((await store.list({ resource: 'others' })).rows).toEqual([]);
    });

    it('go on after a key, and say how many follow', async () => {
      await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => create(name)));
      const first = await store.list({ resource: 'things', limit: 2 });
      expect([names(first.rows), first.remaining]).toEqual([['a', 'b'], 3]);
      const second = await store.list({ resource: 'things', namespace: 'ns', limit: 2, after: { namespace: 'ns', name: 'b' } });
      expect([names(second.rows), second.remaining]).toEqual([['c', 'd'], 1]);
      const last = await store.list({ resource: 'things', limit: 2, after: { namespace: 'ns', name: 'd' } });
      expect([names(last.rows), last.remaining]).toEqual([['e'], 0]);
    });

    it('select by the index, beyond the rows of one read', async () => {
      await store.write(
        Array.from({ length: 1203 }, (_, n) =>
          put(key(`n${String(n).padStart(4, '0')}`), 0, 't', indexOf([], { even: String(n % 2 === 0) })),
        ),
      );
      const select = (index: RowIndex): boolean => index.labels['even'] === 'true';
      expect((await store.list({ resource: 'things', select })).rows).toHaveLength(602);
      const page = await store.list({ resource: 'things', select, limit: 3 });
      expect(names(page.rows)).toEqual(['n0000', 'n0002', 'n0004']);
      expect(page.remaining).toBeGreaterThan(0);
    });

    it('show one state even when others write while they are read', async () => {
      await store.write(Array.from({ length: 1500 }, (_, n) => put(key(`n${String(n).padStart(4, '0')}`), 0, 't')));
      const { rows: before } = await store.list({ resource: 'things' });
      const listing = store.list({ resource: 'things' });
      const last = before.at(-1) as StoredRow;
      await store.write([
        remove(last, last.revision),
        put(key('n0700-new'), 0, 'new'),
        put(key('n1400'), (before[1400] as StoredRow).revision, 'changed'),
      ]);
      const { rows, revision } = await listing;
      expect(rows.map((row) => [row.name, row.revision])).toEqual(before.map((row) => [row.name, row.revision]));
      expect(revision).toBe(Math.max(...before.map((row) => row.revision)));
    });

    it('show the state as it was, for the pages of one list', async () => {
      const [a, b] = [await create('a'), await create('b')];
      await create('c');
      const at = store.revision();
      await one(put(key('b'), b.revision, 'changed'));
      await one(remove(key('a'), a.revision));
      await create('a', 'anew');
      await create('d');
      const then = await store.list({ resource: 'things', at });
      expect(then.rows.map((row) => row.text.split('@')[0])).toEqual(['a', 'b', 'c']);
      expect(then.revision).toBe(at);
      const page = await store.list({ resource: 'things', at, after: { namespace: 'ns', name: 'a' }, limit: 1 });
      expect([names(page.rows), page.remaining]).toEqual([['b'], 1]);
    });
  });

  describe('owners', () => {
    it('are found by the uids that the present versions name', async () => {
      const child = await create('child', 'c', indexOf(['u1', 'u2']));
      await create('other', 'o', indexOf(['u2']), 'elsewhere');
      expect(names(await store.dependents(['u1']))).toEqual(['child']);
      expect(names(await store.dependents(['u1', 'u2']))).toEqual(['child', 'other']);
      await one(put(key('child'), child.revision, 'c', indexOf(['u2'])));
      expect(await store.dependents(['u1'])).toEqual([]);
      const [now] = await store.get([key('child')]);
      await one(remove(key('child'), now?.revision as number));
      expect(names(await store.dependents(['u2']))).toEqual(['other']);
    });
  });

  describe('changes', () => {
    it('tell what happened since a revision, with the row before', async () => {
      const start = store.revision();
      const made = await create('a', 'one');
      const changed = await one(put(key('a'), made.revision, 'two'));
      const gone = await one(remove(key('a'), changed.revision));
      const seen = await store.changes(start, 'things', 10);
      expect(seen.map((change) => [change.type, change.revision, change.row.text, change.before?.text])).toEqual([
        ['ADDED', made.revision, made.text, undefined],
        ['MODIFIED', changed.revision, changed.text, made.text],
        ['DELETED', gone.revision, gone.text, changed.text],
      ]);
      expect((await store.changes(made.revision, 'things', 1)).map((change) => change.revision)).toEqual([changed.revision]);
      expect(await store.changes(start, 'others', 10)).toEqual([]);
    });

    it('are told to listeners in order, before the writer is answered', async () => {
      const told: Change[] = [];
      const stop = store.subscribe((changes) => told.push(...changes));
      const made = await create('a');
      expect(told.map((change) => change.revision)).toEqual([made.revision]);
      await Promise.all([create('b'), create('c'), one(remove(key('a'), made.revision))]);
      expect(told.map((change) => `${change.type} ${change.row.name}`)).toEqual(['ADDED a', 'ADDED b', 'ADDED c', 'DELETED a']);
      expect(told[3]?.before?.text).toBe(made.text);
      stop();
      await create('d');
      expect(told).toHaveLength(4);
    });

    it('are not told when a write is refused', async () => {
      const told: Change[] = [];
      store.subscribe((changes) => told.push(...changes));
      await store.write([put(key('a'), 7, 'a')]);
      expect(told).toEqual([]);
    });

    const history = (): Promise<unknown> => store.changes(1, 'things', 10).catch((error: unknown) => error);

    it('are forgotten with age', async () => {
      await store.close();
      store = under.open({ maxAgeMs: 60_000 });
      const made = await create('a');
      const changed = await one(put(key('a'), made.revision, 'two'));
      under.pass(59_000);
      await create('b');
      expect(await history()).toHaveLength(3);
      under.pass(70_000);
      await create('c');
      expect(await history()).toBeInstanceOf(HistoryGone);
      await expect(store.list({ resource: 'things', at: made.revision })).rejects.toThrow(HistoryGone);
      // What still stands is not history.
      expect(names((await store.list({ resource: 'things' })).rows)).toEqual(['a', 'b', 'c']);
      expect(await store.changes(changed.revision, 'things', 10)).toHaveLength(2);
    });

    it('are forgotten beyond a number of bytes', async () => {
      await store.close();
      store = under.open({ maxBytes: 10_000 });
      let { revision } = await create('a', 'x'.repeat(1000));
      for (let n = 0; n < 40; n++) ({ revision } = await one(put(key('a'), revision, 'x'.repeat(1000))));
      expect(await history()).toBeInstanceOf(HistoryGone);
      expect((await store.changes(revision - 3, 'things', 10)).map((change) => change.revision)).toEqual([
        revision - 2,
        revision - 1,
        revision,
      ]);
    });
  });

  describe('after a restart', () => {
    it('has all that was answered: objects, history, sequence, owners', async () => {
      const made = await create('a', 'one', indexOf(['u1']));
      const changed = await one(put(key('a'), made.revision, 'two', indexOf(['u1'])));
      const b = await create('b');
      await one(remove(key('b'), b.revision));
      const last = store.revision();
      await store.close();
      store = under.open();
      expect(store.revision()).toBe(last);
      expect((await store.get([key('a')]))[0]?.text).toBe(changed.text);
      expect((await store.changes(made.revision, 'things', 10)).map((change) => change.type)).toEqual(['MODIFIED', 'ADDED', 'DELETED']);
      expect(names(await store.dependents(['u1']))).toEqual(['a']);
      expect((await create('c')).revision).toBe(last + 1);
    });

    it('keeps what was asked for before the close', async () => {
      const writing = store.write([put(key('a'), 0, 'a')]);
      await store.close();
      expect((await writing)[0]?.ok).toBe(true);
      await expect(store.write([put(key('b'), 0, 'b')])).rejects.toThrow('closed');
      store = under.open();
      expect(names((await store.list({ resource: 'things' })).rows)).toEqual(['a']);
    });
  });
}
