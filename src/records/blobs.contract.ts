/** What every driver of the blob port must do. `open` gives a store on the same data each time. */
import { expect, it } from 'vitest';

import type { BlobStore } from './blobs.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function blobContract(open: () => Promise<BlobStore>): void {
  it('names a blob by the hash of its bytes', async () => {
    const [id] = await (await open()).put([bytes('hello')]);
    expect(id).toBe('sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
  });

  it('gives back what was put, in the order asked for, and undefined for what is not there', async () => {
    const store = await open();
    const [a, b] = (await store.put([bytes('a'), new Uint8Array(0)])) as [string, string];
    const missing = `sha256:${'0'.repeat(64)}`;
    const got = await store.get([b, missing, a]);
    expect(got.map((each) => each && Buffer.from(each).toString())).toEqual(['', undefined, 'a']);
    expect(await store.has([b, missing, a])).toEqual([true, false, true]);
  });

  it('still has it when opened again', async () => {
    const big = new Uint8Array(300_000).fill(7);
    const [id] = (await (await open()).put([big])) as [string];
    const [again] = await (await open()).get([id]);
    expect(Buffer.compare(Buffer.from(again ?? []), big)).toBe(0);
  });

  it('takes the same bytes many times at once as one blob', async () => {
    const store = await open();
    const ids = (await Promise.all(Array.from({ length: 20 }, () => store.put([bytes('same')])))).flat();
    expect(new Set(ids).size).toBe(1);
    expect(await store.has([ids[0] ?? ''])).toEqual([true]);
  });

  it('forgets what is deleted, and does not mind deleting it twice', async () => {
    const store = await open();
    const [id] = (await store.put([bytes('gone')])) as [string];
    expect(await store.delete([id])).toEqual([id]);
    expect(await store.delete([id])).toEqual([]);
    expect(await store.get([id])).toEqual([undefined]);
  });

  it('deletes only what was put before the moment it is told', async () => {
    const store = await open();
    const [old, fresh] = (await store.put([bytes('old'), bytes('fresh')])) as [string, string];
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.put([bytes('fresh')]);
    const putAt = (await store.list({ limit: 1000 })).find(({ id }) => id === fresh)?.putAt ?? 0;
    expect(await store.delete([fresh, old], { putBefore: putAt })).toEqual([old]);
    expect(await store.has([old, fresh])).toEqual([false, true]);
  });

  it('has what was put while it was deleted by another as something old', async () => {
    const [store, other] = [await open(), await open()];
    for (let round = 0; round < 20; round += 1) {
      const [id] = (await store.put([bytes('wanted again')])) as [string];
      const putBefore = ((await store.list({ limit: 1000 })).find((each) => each.id === id)?.putAt ?? 0) + 0.0005;
      await new Promise((resolve) => setTimeout(resolve, 2));
      await Promise.all([store.put([bytes('wanted again')]), other.delete([id], { putBefore })]);
      expect(await store.has([id])).toEqual([true]);
    }
  });

  it('deletes nothing for a leader whose epoch is over', async () => {
    const store = await open();
    const [a, b] = (await store.put([bytes('fenced a'), bytes('fenced b')])) as [string, string];
    expect(await store.delete([a], { fence: { scope: 'controllers', epoch: 4 } })).toEqual([a]);
    const again = await open();
    await expect(again.delete([b], { fence: { scope: 'controllers', epoch: 3 } })).rejects.toMatchObject({ code: 'Conflict' });
    expect(await store.has([b])).toEqual([true]);
    expect(await store.delete([b], { fence: { scope: 'controllers', epoch: 4 } })).toEqual([b]);
  });

  it('lists all in pages, with the time of their last put', async () => {
    const store = await open();
    const before = (await store.list({ limit: 1000 })).map(({ id }) => id);
    const started = Date.now();
    const ids = await store.put(Array.from({ length: 25 }, (_, n) => bytes(`page ${n}`)));
    const all: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await store.list({ limit: 10, ...(after !== undefined && { after }) });
      expect(page.length).toBeLessThanOrEqual(10);
      all.push(...page.map(({ id }) => id));
      // The clock of a disk is a little coarser than ours.
      for (const { id, putAt } of page) if (ids.includes(id)) expect(putAt).toBeGreaterThan(started - 2000);
      if (page.length === 0) break;
      after = page.at(-1)?.id;
    }
    expect(all).toEqual([...before, ...ids].sort());
    const [id = ''] = ids;
    await store.delete([id]);
    expect((await store.list({ limit: 1000 })).map((each) => each.id)).not.toContain(id);
  });

  it('counts bytes that are put again as put now', async () => {
    const store = await open();
    const [id] = await store.put([bytes('again')]);
    const putAt = async (): Promise<number> => (await store.list({ limit: 1000 })).find((each) => each.id === id)?.putAt ?? 0;
    const first = await putAt();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await store.put([bytes('again')]);
    expect(await putAt()).toBeGreaterThan(first);
  });

  it('refuses an id that is none', async () => {
    const store = await open();
    await expect(store.get(['../../etc/passwd'])).rejects.toMatchObject({ code: 'Invalid' });
  });
}
