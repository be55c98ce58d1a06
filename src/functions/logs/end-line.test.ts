import { expect, test } from 'vitest';
import type { ContainerStateTerminated, Pod } from '../../resources/builtin/pod-types.ts';
import { endLine } from './end-line.ts';

const finishedAt = '2026-01-02T03:04:05Z';
const finished = Date.parse(finishedAt);

function pod(terminated: ContainerStateTerminated | undefined, deletionTimestamp?: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', ...(deletionTimestamp && { deletionTimestamp }) },
    spec: { containers: [{ name: 'function', resources: { limits: { memory: '512Mi' } } }] },
    status: { containerStatuses: [{ name: 'function', state: terminated ? { terminated } : { running: {} } }] },
  } as unknown as Pod;
}

test.each([
  [{ exitCode: 7, reason: 'Error' }, 'the process ended with exit code 7'],
  [{ exitCode: 0, reason: 'Completed' }, 'the process ended with exit code 0'],
  [{ exitCode: 134, reason: 'Error' }, 'the process was ended by SIGABRT'],
  [{ exitCode: 137, reason: 'OOMKilled' }, 'the process was ended: it was over its memory limit of 512Mi'],
  [{ exitCode: 255, reason: 'Error' }, 'the process ended with exit code 255'],
  [{ exitCode: 137, reason: 'ContainerStatusUnknown', message: 'it was gone' }, 'it was gone'],
])('%j', (terminated, text) => {
  expect(endLine(pod({ ...terminated, finishedAt }), 0)).toEqual({ time: finished, text });
});

test('comes after what the process wrote in its last second', () => {
  expect(endLine(pod({ exitCode: 1, finishedAt }), finished + 500)?.time).toBeGreaterThan(finished + 500);
});

test('is none of a process that runs, or that was asked to end', () => {
  expect(endLine(pod(undefined), 0)).toBeUndefined();
  expect(endLine(pod({ exitCode: 0, finishedAt }, finishedAt), 0)).toBeUndefined();
});
