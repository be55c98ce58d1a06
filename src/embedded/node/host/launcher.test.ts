/** Sandboxed programs, which a launcher begins; skipped where no sandbox works. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSandbox } from '../isolation/sandbox.ts';
import type { Isolation, Place, Program } from '../isolation/isolation.ts';
import type { ProcessEvent } from '../process-host.ts';
import { localProcessHost } from './local.ts';
import type { LocalProcessHost } from './local.ts';

const openIn = (folder: string): Promise<Isolation> => openSandbox({ runFolder: join(folder, 'run'), hidden: [folder], shims: [] });

const folderOfTrial = await mkdtemp(join(tmpdir(), 'launch-'));
const why = await openIn(folderOfTrial).then(
  (isolation) => {
    isolation.close();
    return undefined;
  },
  (error: Error) => error.message,
);
await rm(folderOfTrial, { recursive: true });
if (why !== undefined) console.warn(`skipped: launched programs (${why})`);

describe.skipIf(why !== undefined)('programs that a launcher begins', () => {
  let folder: string;
  let isolation: Isolation;
  let host: LocalProcessHost;
  let places: Place[];
  const events: ProcessEvent[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'launch-'));
    isolation = await openIn(folder);
    host = localProcessHost();
    places = [];
    events.length = 0;
    host.subscribe((event) => events.push(event));
  });
  afterEach(async () => {
    await host.close();
    for (const place of places) {
      await place.clear();
      await place.remove();
    }
    isolation.close();
    await rm(folder, { recursive: true });
  });

  async function start(id: string, script: string, more: Partial<Program> = {}): Promise<{ pid: number; logFile: string }> {
    const place = await isolation.open(id);
    places.push(place);
    const launch = await place.launch({ argv: ['/bin/sh', '-c', script], env: {}, ...more });
    const logFile = join(place.folder, '0.log');
    const { pid } = await host.start({ id, ...launch, logFile, maxLogBytes: 1e6 });
    return { pid, logFile };
  }
  async function endOf(id: string): Promise<object> {
    for (;;) {
      const found = events.find((event) => event.type === 'exit' && event.id === id);
      if (found?.type === 'exit') return { code: found.code, signal: found.signal };
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  /** Of the process outside: the program itself, or what is about to become it. */
  async function childOf(pid: number): Promise<number> {
    for (;;) {
      const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
      if (text !== '') return Number(text);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  const children = (pid: number): number[] =>
    execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/)
      .map(Number);

  it('end as they ended: with a code, or 128 and the number of a signal', async () => {
    await start('code', 'exit 3');
    const { pid } = await start('signal', 'sleep 1000');
    process.kill(await childOf(pid), 'SIGKILL');
    expect(await endOf('code')).toEqual({ code: 3, signal: null });
    expect(await endOf('signal')).toEqual({ code: 137, signal: null });
  });

  it('many at a time each have their own output, life-line and end', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `p${index}`);
    const started = await Promise.all(ids.map((id, index) => start(id, `echo out ${id}; echo line ${id} >&3; exit ${index}`)));
    for (const [index, id] of ids.entries()) {
      expect(await endOf(id)).toEqual({ code: index, signal: null });
      expect(await readFile(started[index]?.logFile as string, 'utf8')).toMatch(new RegExp(`^\\S+ stdout F out ${id}\\n$`));
      expect(events.filter((event) => event.type === 'line' && event.id === id)).toEqual([{ type: 'line', id, line: `line ${id}` }]);
    }
  });

  it('leave no process behind, not even a zombie', async () => {
    const { pid } = await start('a', 'sleep 1000');
    const launcher = Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[3]);
    await start('b', 'true');
    await endOf('b');
    host.signal('a', 'SIGKILL');
    expect(await endOf('a')).toEqual({ code: null, signal: 'SIGKILL' });
    const left = (): number[] => {
      try {
        return children(launcher);
      } catch {
        return [];
      }
    };
    while (left().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(left()).toEqual([]);
  });

  it('end with it when it is killed, and the next one is begun by another', async () => {
    const { pid } = await start('a', 'sleep 1000');
    process.kill(Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ')[3]), 'SIGKILL');
    expect(await endOf('a')).toEqual({ code: null, signal: 'SIGKILL' });
    await start('b', 'exit 4');
    expect(await endOf('b')).toEqual({ code: 4, signal: null });
  });

  it('are given no words that could be taken for several', async () => {
    await expect(start('argument', 'true', { argv: ['echo', 'a\0b'] })).rejects.toThrow('"a\\u0000b" has a NUL character in it');
    await expect(start('folder', 'true', { cwd: '/\0launch' })).rejects.toThrow('has a NUL character in it');
    await expect(start('name', 'true', { hostname: 'h\0/bin/sh' })).rejects.toThrow('has a NUL character in it');
    await expect(start('variable', 'true', { env: { A: '1\0PATH=/work' } })).rejects.toThrow('has a NUL character in it');
    await expect(start('own', 'true', { env: { TSUMUGI_A: '1\0x' } })).rejects.toThrow('has a NUL character in it');
  });
});
