import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../base/log.ts';
import { Keeper } from './keeper.ts';

const keepers: Keeper[] = [];
afterEach(() => Promise.all(keepers.splice(0).map((keeper) => keeper.stop(0))));

function keep(settings: object, onStart?: (pid: number | undefined) => void): Keeper {
  const keeper = new Keeper({
    name: 'test',
    module: 'testing/role',
    settings,
    log: silentLog,
    ...(onStart ? { onStart: (child) => onStart(child.pid) } : {}),
  });
  keepers.push(keeper);
  return keeper;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a process that is kept', () => {
  test('is started with its warnings, asked for metrics, told things, and stopped', async () => {
    const keeper = keep({ waitFor: ['a'] });
    expect(await keeper.start()).toEqual(['take care']);
    expect(await keeper.metrics()).toMatch(/^process_resident_memory_bytes \d+$[^]*^waits a$/m);
    keeper.waitFor(['b', 'c']);
    expect(await keeper.metrics()).toContain('waits b,c');
    const pid = keeper.pid ?? 0;
    await keeper.stop(1000);
    expect(isAlive(pid)).toBe(false);
    expect(await keeper.metrics()).toBe('');
  });

  test('is started again when it is killed, and knows what it was told', async () => {
    const pids: (number | undefined)[] = [];
    const keeper = keep({}, (pid) => pids.push(pid));
    await keeper.start();
    keeper.waitFor(['x']);
    process.kill(keeper.pid ?? 0, 'SIGKILL');
    await vi.waitFor(async () => expect(await keeper.metrics()).toContain('waits x'), { timeout: 10_000 });
    expect(pids).toHaveLength(2);
    expect(pids[0]).not.toBe(pids[1]);
  });

  test('that says why it cannot start is not tried again', async () => {
    const keeper = keep({ refuses: true });
    await expect(keeper.start()).rejects.toMatchObject({ code: 'Conflict', message: 'the port is taken', hint: 'choose another' });
    expect(keeper.pid).toBeUndefined();
  });

  test('that ends before it is ready is told with its exit code', async () => {
    await expect(keep({ dies: true }).start()).rejects.toThrow('test ended before it was ready (exit 3)');
  });

  test('that does not stop within its grace is killed', async () => {
    const keeper = keep({ hangs: true });
    await keeper.start();
    const pid = keeper.pid ?? 0;
    await keeper.stop(0);
    expect(isAlive(pid)).toBe(false);
  });
});
