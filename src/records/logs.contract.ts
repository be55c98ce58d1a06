/** What every driver of the log port must do. `open` gives a store on the same data each time, closed by the caller. */
import { afterEach, beforeEach, expect, it } from 'vitest';

import type { LogStore } from './logs.ts';

export function logContract(open: () => Promise<LogStore>): void {
  let store: LogStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  it('reads the lines of all streams of a prefix in the order of time', async () => {
    await store.append([
      { stream: 'ns/f/pod-a', lines: [line(1, 'a1'), line(3, 'a3')] },
      { stream: 'ns/f/pod-b', lines: [line(2, 'b2')] },
      { stream: 'ns/f2/pod-c', lines: [line(2, 'other function')] },
    ]);
    expect(await store.read('ns/f/')).toEqual([
      { stream: 'ns/f/pod-a', time: 1, text: 'a1' },
      { stream: 'ns/f/pod-b', time: 2, text: 'b2' },
      { stream: 'ns/f/pod-a', time: 3, text: 'a3' },
    ]);
  });

  it('keeps the order in which lines of the same millisecond were written', async () => {
    await store.append([{ stream: 's', lines: ['x', 'y', 'z'].map((text) => line(5, text)) }]);
    expect((await store.read('s')).map((each) => each.text)).toEqual(['x', 'y', 'z']);
  });

  it('reads the last lines, and those since a moment', async () => {
    await store.append([{ stream: 's', lines: [1, 2, 3, 4].map((time) => line(time, `t${time}`)) }]);
    expect((await store.read('s', { tail: 2 })).map((each) => each.text)).toEqual(['t3', 't4']);
    expect((await store.read('s', { since: 3 })).map((each) => each.text)).toEqual(['t3', 't4']);
    expect((await store.read('s', { since: 2, tail: 1 })).map((each) => each.text)).toEqual(['t4']);
    expect(await store.read('s', { tail: 0 })).toEqual([]);
  });

  it('has everything that was acknowledged when opened again', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.append([{ stream: `s/${n}`, lines: [line(n, `n${n}`)] }])));
    const again = await open();
    expect(await again.read('s/')).toHaveLength(50);
    await again.close();
  });

  it('trims by age, then the oldest beyond the bytes', async () => {
    await store.append([{ stream: 's', lines: [1, 2, 3, 4].map((time) => line(time, 'x'.repeat(1000))) }]);
    await store.trim({ olderThan: 2, maxBytes: 1_000_000 });
    expect((await store.read('s')).map((each) => each.time)).toEqual([2, 3, 4]);
    await store.trim({ olderThan: 0, maxBytes: 2500 });
    expect((await store.read('s')).map((each) => each.time)).toEqual([3, 4]);
  });
}

const line = (time: number, text: string): { time: number; text: string } => ({ time, text });
