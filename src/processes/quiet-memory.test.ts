import { expect, test, vi } from 'vitest';
import { giveMemoryBack } from './quiet-memory.ts';

const megabytes = (): number => process.memoryUsage().heapUsed / 1024 / 1024;

test('what a burst left behind is given back in the first quiet moment', async () => {
  let burst: object[] | undefined = Array.from({ length: 500_000 }, (_, n) => ({ n, text: `entry ${n}` }));
  const full = megabytes();
  expect(burst).toHaveLength(500_000);
  burst = undefined;
  const stop = giveMemoryBack(100);
  try {
    await vi.waitFor(() => expect(megabytes()).toBeLessThan(full - 25), { timeout: 20_000, interval: 200 });
  } finally {
    stop();
  }
});
