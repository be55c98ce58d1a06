/** What every driver of the process host must do. Run with real processes. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channel, message, readMessages } from './host/attachment.ts';
import type { HostedProcess, ProcessEvent, ProcessExit, ProcessHost, ProcessSpec } from './process-host.ts';

/** `make` gives a host and how to end it with all that it runs. */
export function processHostContract(name: string, make: () => Promise<{ readonly host: ProcessHost; close: () => Promise<void> }>): void {
  describe(`process host: ${name}`, () => {
    let host: ProcessHost;
    let close: () => Promise<void>;
    let folder: string;
    let events: ProcessEvent[];

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'host-'));
      ({ host, close } = await make());
      events = [];
      host.subscribe((event) => events.push(event));
    });
    afterEach(async () => {
      await close();
      await rm(folder, { recursive: true });
    });

    const specOf = (id: string, script: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
      id,
      argv: ['/bin/sh', '-c', script],
      env: { PATH: '/usr/bin:/bin' },
      cwd: folder,
      logFile: join(folder, `${id}.log`),
      maxLogBytes: 1_000_000,
      ...more,
    });
    const run = (id: string, script: string, more?: Partial<ProcessSpec>): Promise<HostedProcess> => host.start(specOf(id, script, more));
    const until = async <T>(find: () => T | undefined): Promise<T> => {
      for (;;) {
        const found = find();
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const exitOf = (id: string): Promise<ProcessExit> =>
      until(() => events.find((event): event is ProcessEvent & ProcessExit => event.type === 'exit' && event.id === id));
    const lineOf = (id: string): Promise<string> =>
      until(() => events.find((event) => event.type === 'line' && event.id === id)).then((event) => (event as { line: string }).line);
    const log = (id: string): Promise<string> => readFile(join(folder, `${id}.log`), 'utf8');
    const alive = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };

    it('tells the exit code, and the signal that ended it', async () => {
      await run('seven', 'exit 7');
      await run('killed', 'kill -9 $$');
      expect(await exitOf('seven')).toMatchObject({ code: 7, signal: null });
      expect(await exitOf('killed')).toMatchObject({ code: null, signal: 'SIGKILL' });
    });

    it('keeps stdout and stderr as CRI lines, complete when the exit is told', async () => {
      await run('a', 'echo one; echo zwei ü >&2; printf last');
      await exitOf('a');
      const lines = (await log('a')).trimEnd().split('\n');
      const stamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /;
      expect(lines.filter((line) => !stamp.test(line))).toEqual([]);
      expect(lines.map((line) => line.replace(stamp, '')).sort()).toEqual(['stderr F zwei ü', 'stdout F one', 'stdout P last']);
    });

    it('gives pipes for stdout and stderr, which a program can open again', async () => {
      await run('opens', 'echo to-stderr > /dev/stderr && echo to-stdout > /dev/stdout');
      expect(await exitOf('opens')).toMatchObject({ code: 0 });
      expect((await log('opens')).match(/(stdout|stderr) F .*/g)?.toSorted()).toEqual(['stderr F to-stderr', 'stdout F to-stdout']);
    });

    it('lets others attach to a program: what it says goes to them and to the log, and its stdin ends when they say so', async () => {
      await run('attached', 'while read line; do echo "<$line>"; echo "[$line]" >&2; done; echo end', { stdin: true });
      const talk = async (...said: readonly Buffer[]): Promise<{ socket: Socket; heard: () => string; closed: Promise<unknown> }> => {
        const socket = connect(await host.attach('attached'));
        const parts: string[] = [];
        readMessages(socket, (from, data) => parts.push(`${from}:${data.toString()}`));
        for (const piece of said) socket.write(piece);
        return { socket, heard: () => parts.toSorted().join(''), closed: once(socket, 'close') };
      };
      const first = await talk(message(channel.stdin, Buffer.from('one\n')));
      await until(() => first.heard() === '1:<one>\n2:[one]\n' || undefined);
      first.socket.destroy();
      await first.closed;
      const second = await talk(message(channel.stdin, Buffer.from('two\n')), message(channel.closeStdin));
      await second.closed;
      expect(second.heard().replaceAll(/[12]:/g, '').split('\n').toSorted()).toEqual(['', '<two>', '[two]', 'end']);
      expect(await exitOf('attached')).toMatchObject({ code: 0 });
      expect(await log('attached')).toContain('stdout F <one>');
      await expect(host.attach('attached')).rejects.toThrow('attached');
      await expect(host.attach('nobody')).rejects.toThrow('nobody');
    });

    it('bounds the log: the newest lines stay, the last part in the file and the one before in .1', async () => {
      await run('chatty', 'i=0; while [ $i -lt 5000 ]; do echo "line $i of a program that talks"; i=$((i+1)); done', {
        maxLogBytes: 40_000,
      });
      await exitOf('chatty');
      const [last, before] = [await log('chatty'), await readFile(join(folder, 'chatty.log.1'), 'utf8')];
      expect(last.length + before.length).toBeLessThanOrEqual(40_000);
      expect(last.length + before.length).toBeGreaterThan(20_000);
      expect(last.trimEnd().split('\n').at(-1)).toMatch(/stdout F line 4999 of a program that talks$/);
      const numbers = (before + last)
        .trimEnd()
        .split('\n')
        .map((line) => Number(/F line (\d+) /.exec(line)?.[1]));
      expect(numbers).toEqual(Array.from(numbers, (_, index) => 5000 - numbers.length + index));
    });

    it('carries lines both ways over fd 3, and an end of the line is the end of the child', async () => {
      await run('talker', 'echo ready >&3; read -r order <&3; echo "got $order" >&3; read -r never <&3');
      expect(await lineOf('talker')).toBe('ready');
      events.length = 0;
      host.send('talker', '{"assign":1}');
      expect(await lineOf('talker')).toBe('got {"assign":1}');
      host.signal('talker', 'SIGKILL');
      expect(await exitOf('talker')).toMatchObject({ signal: 'SIGKILL' });
    });

    it('gives the program nothing but what the spec says: environment, cwd, an empty stdin', async () => {
      process.env['NODE_EXTRA_CA_CERTS_TEST'] = 'leaks';
      await run('env', 'env | cut -d= -f1 | sort | tr "\\n" " "; pwd; wc -c', { env: { PATH: '/usr/bin:/bin', GREETING: 'hello' } });
      await exitOf('env');
      delete process.env['NODE_EXTRA_CA_CERTS_TEST'];
      const text = (await log('env')).replaceAll(/^\S+ stdout F /gm, '');
      expect(text.split('\n')[0]?.trim().split(/ /)).toEqual(['GREETING', 'PATH', 'PWD', folder]);
      expect(text.split('\n')[1]).toBe('0');
    });

    it('passes SIGTERM to the program, to the nested one where there is one', async () => {
      const script = 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done';
      await run('plain', script);
      await run('nested', `(${script}) & trap "" TERM; wait $!; exit $?`, { nested: true });
      for (const id of ['plain', 'nested']) {
        while (!(await log(id)).includes('up')) await new Promise((resolve) => setTimeout(resolve, 5));
        host.signal(id, 'SIGTERM');
        expect(await exitOf(id)).toMatchObject({ code: 3 });
        expect(await log(id)).toMatch(/stdout F bye\n$/);
      }
    });

    it('ends what a process leaves behind in its group', async () => {
      await run('parent', 'sleep 1000 & echo $! >&3');
      const orphan = Number(await lineOf('parent'));
      await exitOf('parent');
      await until(() => (alive(orphan) ? undefined : true));
      expect(alive(orphan)).toBe(false);
    });

    it('kills with it what it started in a session of its own', async () => {
      await run('parent', 'setsid sh -c "sleep 1000 & echo \\$! >&3; wait" & wait');
      const grandchild = Number(await lineOf('parent'));
      expect(alive(grandchild)).toBe(true);
      host.signal('parent', 'SIGKILL');
      await exitOf('parent');
      await until(() => (alive(grandchild) ? undefined : true));
    });

    it('lists what runs and what has ended, until it is forgotten', async () => {
      const { pid, startedAt } = await run('runs', 'read -r never <&3');
      await run('ended', 'exit 1');
      const exit = await exitOf('ended');
      const listed = await host.list();
      expect(listed.find(({ id }) => id === 'runs')).toEqual({ id: 'runs', pid, startedAt });
      expect(listed.find(({ id }) => id === 'ended')?.exit).toEqual({ code: 1, signal: null, at: exit.at });
      host.forget('ended');
      host.forget('runs');
      expect((await host.list()).map(({ id }) => id)).toEqual(['runs']);
    });

    it('refuses a known id and a program that is not there', async () => {
      await run('once', 'read -r never <&3');
      await expect(run('once', 'true')).rejects.toThrow(/exists already/);
      await expect(host.start(specOf('none', '', { argv: ['no-such-program'] }))).rejects.toThrow(/no-such-program.*no such program/);
      expect((await host.list()).map(({ id }) => id)).toEqual(['once']);
    });

    it('ends a process whose life-line talk has no end', async () => {
      await run('flood', 'while :; do echo again >&3; done');
      expect(await exitOf('flood')).toMatchObject({ signal: 'SIGKILL' });
    });
  });
}
