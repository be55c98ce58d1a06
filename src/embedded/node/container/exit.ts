/** How the end of a process is told in a container's status. */
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import type { ContainerStateTerminated } from '../../../resources/builtin/pod-types.ts';
import type { ProcessExit } from '../process-host.ts';

const oomExitCode = 137;

/** Seconds, as Kubernetes writes times. */
export function rfc3339(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

export function terminated(exit: ProcessExit, startedAt: number, outOfMemory: boolean): ContainerStateTerminated {
  const signal = exit.signal === null ? undefined : constants.signals[exit.signal as NodeJS.Signals];
  const exitCode = outOfMemory && signal !== undefined ? oomExitCode : (exit.code ?? 128 + (signal ?? 0));
  return {
    exitCode,
    reason: outOfMemory ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error',
    startedAt: rfc3339(startedAt),
    finishedAt: rfc3339(exit.at),
  };
}

/** It ended while no node was there to see, or its host is gone with it. */
export function lost(startedAt: string | undefined, now: number): ContainerStateTerminated {
  return {
    exitCode: oomExitCode,
    reason: 'ContainerStatusUnknown',
    message: 'the process was gone when the node looked for it',
    ...(startedAt === undefined ? {} : { startedAt }),
    finishedAt: rfc3339(now),
  };
}

/** V8 aborts by itself when its heap is full: it says so in its last words. */
export async function isHeapAbort(exit: ProcessExit, logFile: string): Promise<boolean> {
  if (exit.signal !== 'SIGABRT' && exit.code !== 134) return false;
  try {
    await using file = await open(logFile, 'r');
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(8192), position: Math.max(0, size - 8192) });
    return buffer.subarray(0, bytesRead).includes('heap out of memory');
  } catch {
    return false;
  }
}
