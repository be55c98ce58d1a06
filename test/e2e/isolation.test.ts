/** What user code in a sandbox can reach: tried by a spy pod, on a platform of root and on one of a plain user. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorld } from '../../src/embedded/node/testing/world.ts';
import type { Found } from './isolation/world.ts';

const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
const worldFile = join(import.meta.dirname, 'isolation/world.ts');
const isRoot = process.getuid?.() === 0;

/** Why there is nothing to try; undefined: try it. */
async function whyNot(asNobody: boolean): Promise<string | undefined> {
  if (asNobody && !isRoot) return 'only root can become another user';
  if (asNobody) {
    try {
      execFileSync(nobody[0] as string, [...nobody.slice(1), process.execPath, '-e', `fs.readFileSync(${JSON.stringify(worldFile)})`], {
        stdio: 'pipe',
        cwd: '/',
        env: {},
      });
    } catch {
      return 'another user may not read this checkout';
    }
    return undefined;
  }
  const world = await openWorld('auto');
  const { name, warnings } = world.node.isolation;
  await world.close();
  return name === 'sandbox' ? undefined : warnings.join(' ');
}

for (const asNobody of [false, true]) {
  const why = await whyNot(asNobody);
  const who = asNobody ? 'a plain user' : isRoot ? 'root' : 'this user';
  if (why !== undefined) console.warn(`skipped: isolation on a platform of ${who}: ${why}`);

  describe.skipIf(why !== undefined)(`user code in a sandbox, on a platform of ${who}`, () => {
    let home: string;
    let platform: ChildProcess;
    let found: Found;
    const spy = (key: string): unknown => found.spy[key];

    beforeAll(async () => {
      home = mkdtempSync(join(tmpdir(), 'iso-'));
      if (asNobody) chownSync(home, 65534, 65534);
      const argv = [...(asNobody ? nobody : []), process.execPath, worldFile];
      platform = spawn(argv[0] as string, argv.slice(1), {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: { PATH: process.env['PATH'], HOME: join(home, 'home'), TMPDIR: home },
      });
      [found] = (await once(platform, 'message')) as [Found];
      expect(found.spy['failed']).toBeUndefined();
    });
    afterAll(async () => {
      if (platform.exitCode === null && platform.signalCode === null) {
        platform.send('end');
        await once(platform, 'exit');
      }
      rmSync(home, { recursive: true });
    });

    it("cannot read the database, the token, another pod's secret, log or files, or the user's home", () => {
      expect(found.targets.files.length).toBeGreaterThan(8);
      for (const path of found.targets.files) {
        // A plain user's pod is no more than that user: what everybody may not read it may not either.
        expect(spy(`read ${path}`), path).toMatch(/^denied: (ENOENT|EACCES)$/);
      }
    });

    it("does not see the platform's folders, homes or sockets", () => {
      for (const path of found.targets.folders) {
        const seen = spy(`list ${path}`);
        expect(Array.isArray(seen) ? seen : [], path).toEqual([]);
      }
      for (const path of found.targets.sockets) expect(spy(`connect ${path}`)).toMatch(/^denied: /);
    });

    it('cannot signal the platform or other pods, and sees its own processes alone', () => {
      for (const pid of found.targets.pids) expect(spy(`signal ${pid}`)).toBe('denied: ESRCH');
      expect(found.spy['processes']).toEqual([expect.stringMatching(/^node/)]);
    });

    it('cannot write the host, and what it writes in /tmp and /work is its own', () => {
      for (const path of found.targets.places) expect(spy(`write ${path}`), path).toMatch(/^denied: /);
      expect(found.written).toEqual([]);
      expect(found.spy['tmp']).toEqual([]);
    });

    it('has no privileges and no way to any', () => {
      const none = '0000000000000000';
      expect(found.spy['capabilities']).toEqual([none, none, none]);
      expect(found.spy['noNewPrivileges']).toBe('1');
      for (const way of ['mount', 'user namespace', 'leave the root']) expect(spy(way), way).toMatch(/^denied: /);
      if (!asNobody && isRoot) {
        expect(found.spy['uid']).toBeGreaterThanOrEqual(200_000);
        expect(String(found.spy['uid'])).not.toBe(found.victimUid);
        expect(found.spy['groups']).toEqual([found.spy['uid']]);
      } else expect(found.spy['uid']).not.toBe(0);
    });

    it('has no more rights where kubectl exec put it into another pod', () => {
      for (const path of found.targets.files) expect(found.entered[`read ${path}`], path).toMatch(/^denied: (ENOENT|EACCES)$/);
      for (const path of found.targets.folders) {
        const seen = found.entered[`list ${path}`];
        expect(Array.isArray(seen) ? seen : [], path).toEqual([]);
      }
      for (const path of found.targets.sockets) expect(found.entered[`connect ${path}`]).toMatch(/^denied: /);
      for (const pid of found.targets.pids) expect(found.entered[`signal ${pid}`]).toBe('denied: ESRCH');
      for (const path of found.targets.places) expect(found.entered[`write ${path}`], path).toMatch(/^denied: /);
      for (const way of ['mount', 'user namespace', 'leave the root']) expect(found.entered[way], way).toMatch(/^denied: /);
      for (const right of ['capabilities', 'noNewPrivileges']) expect(found.entered[right]).toEqual(found.spy[right]);
      expect(String(found.entered['uid'])).toBe(found.victimUid);
    });

    it('gets a scrubbed environment, a handful of devices and nothing open but its output and its life-line', () => {
      expect(found.spy['variables']).toEqual(['HOME', 'HOSTNAME', 'PATH', 'TARGETS']);
      const [out, errors, lifeLine, ...more] = found.spy['inherited'] as string[];
      // Named pipes whose names are gone.
      expect([out, errors]).toEqual([
        expect.stringMatching(/^1 \/.*\.\d+ \(deleted\)$/),
        expect.stringMatching(/^2 \/.*\.\d+ \(deleted\)$/),
      ]);
      expect([lifeLine, more]).toEqual(['3 socket:', []]);
      expect(found.spy['devices']).toEqual([
        'fd',
        'full',
        'null',
        'ptmx',
        'pts',
        'random',
        'shm',
        'stderr',
        'stdin',
        'stdout',
        'termination-log',
        'tty',
        'urandom',
        'zero',
      ]);
    });

    it('dies with the platform, even when that is killed with SIGKILL', async () => {
      expect(found.victimPids.length).toBeGreaterThan(2);
      expect(found.victimPids.filter(isRunning)).toEqual(found.victimPids);
      platform.kill('SIGKILL');
      await once(platform, 'exit');
      while (found.victimPids.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(found.victimPids.filter(isRunning)).toEqual([]);
    });
  });
}

/** A zombie that nobody has reaped yet does not run. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
  } catch {
    return false;
  }
}
