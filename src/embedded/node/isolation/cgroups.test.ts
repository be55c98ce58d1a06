import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { openCgroups } from './cgroups.ts';

const cgroups = openCgroups(`tsumugi-${randomBytes(6).toString('hex')}`);
if (!cgroups) console.warn('skipped: cgroups: none can be made by this user here');

describe.skipIf(!cgroups)('cgroups', () => {
  afterAll(() => cgroups?.close());

  /** A shell that joins the group, then runs the script. */
  const inside = (joins: readonly string[], script: string): ChildProcess =>
    spawn('/bin/sh', ['-c', `for procs; do echo 0 >"$procs"; done; ${script}`, 'sh', ...joins], { stdio: ['ignore', 'pipe', 'pipe'] });

  it('limits the number of processes', async () => {
    const group = cgroups?.create('few');
    group?.limit({ pids: 4 });
    const child = inside(group?.joins ?? [], 'for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; wait');
    let said = '';
    child.stderr?.on('data', (chunk) => (said += String(chunk)));
    await once(child, 'exit');
    expect(said).toMatch(/[Cc]annot fork/);
    group?.remove();
  });

  it.skipIf(!cgroups?.controllers.has('memory'))('counts what the kernel killed for want of memory', async () => {
    const group = cgroups?.create('small');
    group?.limit({ memoryBytes: 20 * 2 ** 20 });
    expect(group?.oomKills()).toBe(0);
    const child = inside(group?.joins ?? [], 'exec head -c 200M /dev/zero | tail -c 200M >/dev/null');
    await once(child, 'exit');
    expect(group?.oomKills()).toBeGreaterThan(0);
    group?.remove();
  });

  it('kills what is left when it is removed, and is gone', async () => {
    const group = cgroups?.create('left');
    const child = inside(group?.joins ?? [], 'echo in; exec sleep 1000');
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    group?.remove();
    const [, signal] = (await once(child, 'exit')) as [number | null, string];
    expect(signal).toBe('SIGKILL');
    group?.remove();
    expect(group?.joins.filter((path) => existsSync(path))).toEqual([]);
  });
});
