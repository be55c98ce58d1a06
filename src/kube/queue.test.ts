import { describe, expect, it } from 'vitest';
import { WorkQueue } from './queue.ts';
import { ManualClock } from './testing/manual-clock.ts';

/** A turn of the event loop and the promises in it. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const turns = async (n = 5): Promise<void> => {
  for (let i = 0; i < n; i++) await turn();
};

/** Work that ends when it is told to. */
function manualWork(): { work: (key: string) => Promise<void>; started: string[]; end: (key: string) => void } {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    started,
    work: (key) => {
      started.push(key);
      return new Promise((resolve) => ends.set(key, resolve));
    },
    end: (key) => ends.get(key)?.(),
  };
}

describe('WorkQueue', () => {
  it('works on a key once however often it is added before', async () => {
    const done: string[] = [];
    const queue = new WorkQueue({ work: async (key) => void done.push(key) });
    for (const key of ['a', 'b', 'a', 'a', 'b']) queue.add(key);
    expect(done).toEqual([]);
    await turns();
    expect(done).toEqual(['a', 'b']);
    await queue.close();
  });

  it('works on a key again when it was added while being worked on, never twice at a time', async () => {
    const { work, started, end } = manualWork();
    const queue = new WorkQueue({ work, parallelism: 4 });
    queue.add('a');
    await turns();
    queue.add('a');
    queue.add('a');
    await turns();
    expect(started).toEqual(['a']);
    end('a');
    await turns();
    expect(started).toEqual(['a', 'a']);
    end('a');
    await turns();
    expect(started).toEqual(['a', 'a']);
    await queue.close();
  });

  it('keeps to its parallelism, in order', async () => {
    const { work, started, end } = manualWork();
    const queue = new WorkQueue({ work, parallelism: 2 });
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await turns();
    expect([started, queue.running, queue.waiting]).toEqual([['a', 'b'], 2, 2]);
    end('b');
    await turns();
    expect(started).toEqual(['a', 'b', 'c']);
    for (const key of ['a', 'c']) end(key);
    await turns();
    end('d');
    await queue.close();
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('adds later, at the earliest of several times', async () => {
    const clock = new ManualClock();
    const done: string[] = [];
    const queue = new WorkQueue({ clock, work: async (key) => void done.push(key) });
    queue.addAfter('a', 1000);
    queue.addAfter('a', 300);
    queue.addAfter('a', 500);
    await clock.advance(299);
    await turns();
    expect(done).toEqual([]);
    await clock.advance(1);
    await turns();
    expect(done).toEqual(['a']);
    await clock.advance(2000);
    await turns();
    expect(done).toEqual(['a']);
    await queue.close();
  });

  it('forgets a delay when the key is worked on before', async () => {
    const clock = new ManualClock();
    const done: string[] = [];
    const queue = new WorkQueue({ clock, work: async (key) => void done.push(key) });
    queue.addAfter('a', 1000);
    queue.add('a');
    await turns();
    await clock.advance(5000);
    await turns();
    expect(done).toEqual(['a']);
    await queue.close();
  });

  it('doubles the delay with each failure up to its bound, until the key is forgotten', async () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock, work: async () => undefined, firstDelay: 100, maxDelay: 1000 });
    const delays = Array.from({ length: 6 }, () => queue.retry('a'));
    for (const [index, full] of [100, 200, 400, 800, 1000, 1000].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(full * 0.8);
      expect(delays[index]).toBeLessThanOrEqual(full);
    }
    expect(queue.failures('a')).toBe(6);
    expect(queue.retry('a', 300)).toBeLessThanOrEqual(300);
    queue.forget('a');
    expect(queue.retry('a')).toBeLessThanOrEqual(100);
    await queue.close();
  });

  it('on close drops what waits, waits for what runs, and takes nothing more', async () => {
    const clock = new ManualClock();
    const { work, started, end } = manualWork();
    const queue = new WorkQueue({ clock, work });
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    await turns();
    let closed = false;
    const closing = queue.close().then(() => (closed = true));
    queue.add('d');
    await clock.advance(1000);
    await turns();
    expect(closed).toBe(false);
    end('a');
    await closing;
    await turns();
    expect(started).toEqual(['a']);
  });
});
