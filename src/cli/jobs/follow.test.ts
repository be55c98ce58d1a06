import { expect, test } from 'vitest';
import { barOf } from './follow.ts';

test.each([
  [{ status: 'QUEUED', taskCount: 3 }, '░░░░░░░░░░░░░░░░░░░░░░░░ 0/3 tasks, queued'],
  [{ status: 'RUNNING', taskCount: 4, succeededCount: 1, runningCount: 2 }, '██████░░░░░░░░░░░░░░░░░░ 1/4 tasks, 2 running'],
  [
    { status: 'RUNNING', paused: true, taskCount: 4, succeededCount: 2, failedCount: 1, retriedCount: 5 },
    '██████████████████░░░░░░ 3/4 tasks, 1 failed, 5 retried, paused',
  ],
  [{ status: 'SUCCEEDED', taskCount: 2, succeededCount: 2 }, '████████████████████████ 2/2 tasks'],
] as const)('%j is shown as %s', (execution, bar) => {
  expect(barOf(execution)).toBe(bar);
});

test('a narrow terminal has one line, too', () => {
  expect(barOf({ taskCount: 100, runningCount: 50, failedCount: 20, retriedCount: 7 }, 40)).toHaveLength(39);
});
