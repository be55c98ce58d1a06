/** What every driver of the fence port must do. `open` gives a store on the same data each time, closed by the caller. */
import { afterEach, beforeEach, expect, it } from 'vitest';

import type { FenceStore } from './fence.ts';

export function fenceContract(open: () => Promise<FenceStore & { close(): Promise<void> }>): void {
  let store: FenceStore & { close(): Promise<void> };
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  it('knows no epoch at first, then the highest, also when opened again', async () => {
    expect(await store.highest('a')).toBe(0);
    await store.raise({ scope: 'a', epoch: 3 });
    await store.raise({ scope: 'a', epoch: 3 });
    await store.raise({ scope: 'a', epoch: 5 });
    const again = await open();
    expect(await again.highest('a')).toBe(5);
    await again.close();
  });

  it('refuses a lower epoch, and keeps the higher one', async () => {
    await store.raise({ scope: 'a', epoch: 7 });
    await expect(store.raise({ scope: 'a', epoch: 6 })).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('epoch 6 of "a" is over'),
    });
    expect(await store.highest('a')).toBe(7);
  });

  it('keeps scopes apart', async () => {
    await store.raise({ scope: 'a', epoch: 7 });
    await store.raise({ scope: 'b', epoch: 1 });
    expect([await store.highest('a'), await store.highest('b')]).toEqual([7, 1]);
  });

  it('takes an epoch as large as the milliseconds since 1970', async () => {
    const epoch = Date.now();
    await store.raise({ scope: 'a', epoch });
    expect(await store.highest('a')).toBe(epoch);
  });

  it('of many at once the highest stays', async () => {
    const other = await open();
    const epochs = Array.from({ length: 20 }, (_, n) => ((n * 7) % 20) + 1);
    await Promise.allSettled(epochs.map((epoch, n) => (n % 2 ? store : other).raise({ scope: 'a', epoch })));
    expect(await store.highest('a')).toBe(20);
    await other.close();
  });
}
