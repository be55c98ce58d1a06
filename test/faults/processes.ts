/** The processes of containers, as the node's machine sees them: what a fault is done to. Needs root, and to run on that machine. */
import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of a pod's programs, without the one that holds its network. */
export function processesOf(podUid: string): readonly number[] {
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (!readFileSync(`/proc/${entry}/cgroup`, 'utf8').replaceAll('_', '-').includes(`pod${podUid}`)) continue;
      if (readFileSync(`/proc/${entry}/comm`, 'utf8').trim() !== 'pause') found.push(Number(entry));
    } catch {
      // It has ended.
    }
  }
  return found;
}

/** Throws when nothing runs there. Answers when it was done, of `performance.now()`. */
export function signalPod(podUid: string, signal: NodeJS.Signals): number {
  const processes = processesOf(podUid);
  if (processes.length === 0) throw new Error(`no process of the pod ${podUid} runs on this machine`);
  const at = performance.now();
  for (const pid of processes) process.kill(pid, signal);
  return at;
}
