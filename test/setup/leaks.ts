/**
 * After each test file nothing may be left: no child process, no listener, no socket, no timer.
 * `process.getActiveResourcesInfo()` counts them; what vitest itself holds was there before.
 */
import { afterAll, beforeAll, expect } from 'vitest';

const watched = new Set([
  'ProcessWrap',
  'TCPServerWrap',
  'PipeServerWrap',
  'TCPSocketWrap',
  'PipeWrap',
  'Timeout',
  'FSEventWrap',
  'StatWatcher',
  'TLSWrap',
]);

function count(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) if (watched.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function leaks(before: Map<string, number>): string[] {
  return [...count()].filter(([kind, n]) => n > (before.get(kind) ?? 0)).map(([kind, n]) => `${kind}: ${n - (before.get(kind) ?? 0)} more`);
}

let before = new Map<string, number>();
beforeAll(() => {
  before = count();
});

afterAll(async () => {
  // Closing takes some turns of the loop; what is still there after two seconds is a leak.
  const end = performance.now() + 2000;
  while (leaks(before).length > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10).unref());
  expect(leaks(before), 'left open after the tests of this file').toEqual([]);
});
