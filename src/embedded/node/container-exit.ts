/** How the end of a process is told in a container's status. */
import { appendFile, open } from 'node:fs/promises';
import { constants } from 'node:os';
import type { ContainerStateTerminated } from '../../resources/builtin/pod-types.ts';
import type { ProcessExit } from './process-host.ts';

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

/** Tells the end of a function's process in its own log, where its author looks: code that ends its process says nothing itself. */
export async function logEnd(
  logFile: string,
  exit: ProcessExit,
  { reason, exitCode }: ContainerStateTerminated,
  memoryLimit: string | number | undefined,
): Promise<void> {
  const how = exit.signal === null ? `the process ended with exit code ${exitCode}` : `the process was ended by ${exit.signal}`;
  const text =
    reason === 'OOMKilled' ? `the process was ended: it was over its memory limit${memoryLimit ? ` of ${memoryLimit}` : ''}` : how;
  const time = `${new Date(exit.at).toISOString().slice(0, -1)}000000Z`;
  // A full disk loses a line, not the pod's end.
  await appendFile(logFile, `${time} stderr F ${text}\n`).catch(() => {});
}
