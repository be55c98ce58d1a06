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

  it('keeps streams that begin with ~ whatever their age, but not beyond the bytes', async () => {
    await store.append(['s', '~runs/a/'].map((stream) => ({ stream, lines: [line(1, 'x'.repeat(1000))] })));
    await store.trim({ olderThan: 5, maxBytes: 1_000_000 });
    expect(await store.read('s')).toEqual([]);
    expect(await store.read('~runs/')).toHaveLength(1);
    await store.trim({ olderThan: 0, maxBytes: 0 });
    expect(await store.read('~runs/')).toEqual([]);
  });

  it('drops the streams of some prefixes', async () => {
    await store.append(['~runs/a/0/', '~runs/a/1/', '~runs/ab/0/', '~runs/b%/', 's'].map((stream) => ({ stream, lines: [line(1, 't')] })));
    await store.drop(['~runs/a/', '~runs/b%/', '~runs/none/']);
    await store.drop([]);
    expect((await store.read('')).map(({ stream }) => stream)).toEqual(['~runs/ab/0/', 's']);
    await store.append([{ stream: '~runs/a/0/', lines: [line(1, 'again')] }]);
    expect((await store.read('~runs/a/')).map(({ text }) => text)).toEqual(['again']);
  });

  it('drops nothing for a leader whose epoch is over', async () => {
    await store.append([{ stream: 's', lines: [line(1, 'old'), line(9, 'new')] }]);
    await store.trim({ olderThan: 0, maxBytes: 1_000_000 }, { scope: 'controllers', epoch: 4 });
    await expect(store.trim({ olderThan: 5, maxBytes: 0 }, { scope: 'controllers', epoch: 3 })).rejects.toMatchObject({ code: 'Conflict' });
    await expect(store.drop(['s'], { scope: 'controllers', epoch: 3 })).rejects.toMatchObject({ code: 'Conflict' });
    expect(await store.read('s')).toHaveLength(2);
    await store.trim({ olderThan: 5, maxBytes: 1_000_000 }, { scope: 'controllers', epoch: 4 });
    expect((await store.read('s')).map((each) => each.text)).toEqual(['new']);
  });

  it('takes what two write at once, each in its order', async () => {
    const other = await open();
    const write = async (to: LogStore, stream: string): Promise<void> => {
      for (let n = 0; n < 20; n += 1)
        await to.append([
          { stream, lines: [line(n, `${n}`), line(n, `${n}+`)] },
          { stream: 'shared', lines: [line(n, stream)] },
        ]);
    };
    await Promise.all([write(store, 'a'), write(other, 'b')]);
    await other.close();
    const wanted = Array.from({ length: 20 }, (_, n) => [`${n}`, `${n}+`]).flat();
    expect((await store.read('a')).map((each) => each.text)).toEqual(wanted);
    expect((await store.read('b')).map((each) => each.text)).toEqual(wanted);
    expect(await store.read('shared')).toHaveLength(40);
  });

  it('takes any text, and prefixes as they are', async () => {
    const text = `ü 😀 "quoted" % _ \\ \u0001 ${'x'.repeat(20_000)}`;
    await store.append([
      { stream: 'a%b_c/', lines: [line(1.25, text)] },
      { stream: 'aXbYc/', lines: [line(1, 'other')] },
      { stream: 'A%b_c/', lines: [line(1, 'upper')] },
    ]);
    expect(await store.read('a%b_c/')).toEqual([{ stream: 'a%b_c/', time: 1.25, text }]);
  });

  it('takes a line with a NUL character', async () => {
    await store.append([{ stream: 's', lines: [line(1, 'a\u0000b'), line(2, 'c')] }]);
    expect((await store.read('s')).map((each) => each.text.replace('\u0000', '\ufffd'))).toEqual(['a\ufffdb', 'c']);
  });
}

const line = (time: number, text: string): { time: number; text: string } => ({ time, text });
