/**
 * What a killed supervisor may leave: its processes end by themselves when they lose it, but one that is stuck would hold a port.
 * The next supervisor of the same data finds them by the run folder and ends them; a recycled pid is told by its start time.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';

interface Remembered {
  readonly pid: number;
  readonly started: string;
}

const fileOf = (run: string): string => join(run, 'processes.json');

/** Clock ticks from boot to the process's start, '' when there is no such process (or no /proc). */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything: fields are counted from behind it. State Z is a process that has ended.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

export function rememberProcesses(run: string, pids: readonly (number | undefined)[]): void {
  const processes: Remembered[] = pids.filter((pid) => pid !== undefined).map((pid) => ({ pid, started: startOf(pid) }));
  writeFileSync(fileOf(run), JSON.stringify(processes), { mode: 0o600 });
}

/** Waits up to two seconds for an earlier supervisor's processes to end, then kills them. */
export async function endLeftovers(run: string): Promise<void> {
  let left = remembered(run);
  for (let waited = 0; left.length > 0; waited += 20) {
    if (waited === 2000) for (const { pid } of left) process.kill(pid, 'SIGKILL');
    if (waited > 5000) break;
    await systemClock.sleep(20);
    left = left.filter(isSame);
  }
  rmSync(fileOf(run), { force: true });
}

function remembered(run: string): Remembered[] {
  try {
    return (JSON.parse(readFileSync(fileOf(run), 'utf8')) as Remembered[]).filter(isSame);
  } catch {
    return [];
  }
}

const isSame = ({ pid, started }: Remembered): boolean => started !== '' && startOf(pid) === started;
