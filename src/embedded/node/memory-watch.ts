/**
 * Memory limits where there are no cgroups: looks at the resident memory of each limited pod's processes and has the pod killed
 * when it is over. Coarse (shared pages count for each process, and it looks twice a second), but better than none.
 */
import { readFileSync } from 'node:fs';

const intervalMs = 500;
const pageBytes = 4096;

interface Watched {
  readonly pid: number;
  readonly limitBytes: number;
  readonly over: () => void;
}

export class MemoryWatch {
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** `over` is called once. */
  watch(id: string, pid: number, limitBytes: number, over: () => void): void {
    this.#watched.set(id, { pid, limitBytes, over });
    this.#timer ??= setInterval(() => this.#look(), intervalMs);
  }

  forget(id: string): void {
    this.#watched.delete(id);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    for (const id of this.#watched.keys()) this.forget(id);
  }

  #look(): void {
    for (const [id, { pid, limitBytes, over }] of this.#watched) {
      if (residentBytes(pid) <= limitBytes) continue;
      this.forget(id);
      over();
    }
  }
}

/** Of the process and all below it. */
export function residentBytes(pid: number): number {
  let bytes = 0;
  for (const each of [pid, ...descendants(pid)]) bytes += Number(read(`/proc/${each}/statm`).split(' ')[1] ?? 0) * pageBytes;
  return bytes;
}

function descendants(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
