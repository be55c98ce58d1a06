import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunControl } from '../driver.ts';
import { Writer } from './writer.ts';

// The time after a commit is over only when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

type Change = Parameters<RunControl['commit']>[0];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** What is under way has ended; `vi.waitFor` would let the time go on. */
const settled = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await turn();
};

function writer(fail: (commit: number) => boolean = () => false) {
  const commits: Change[] = [];
  const failures: unknown[] = [];
  const control = {
    commit: async (change: Change) => {
      commits.push(change);
      if (fail(commits.length)) throw new Error('no disk');
    },
  } as unknown as RunControl;
  return { commits, failures, it: new Writer(control, (error) => failures.push(error)) };
}
const put = (it: Writer, index: number): void => it.put({ reason: `${index}` }, { index, attempt: 0, status: 'succeeded' });

test('what comes after a commit waits a while, and is written at once when somebody waits for it', async () => {
  const { commits, it } = writer();
  put(it, 0);
  await settled();
  for (const index of [1, 2, 1]) {
    put(it, index);
    await turn();
  }
  expect(commits).toHaveLength(1);
  await it.idle();
  expect(commits.map(({ set, tasks }) => [set, tasks?.map(({ index }) => index)])).toEqual([
    [{ reason: '0' }, [0]],
    [{ reason: '1' }, [1, 2]],
  ]);
});

test('the while ends by itself', async () => {
  const { commits, it } = writer();
  put(it, 0);
  await settled();
  put(it, 1);
  vi.runAllTimers();
  await settled();
  expect(commits).toHaveLength(2);
  await it.idle();
});

test('what cannot be written is told', async () => {
  const { failures, it } = writer(() => true);
  put(it, 0);
  await it.idle();
  expect(failures).toEqual([new Error('no disk')]);
});
