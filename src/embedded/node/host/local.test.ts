import { once } from 'node:events';
import { fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { processHostContract } from '../process-host.contract.ts';
import { localProcessHost } from './local.ts';
import { LineTagger } from './log-writer.ts';

processHostContract('local', () => {
  const host = localProcessHost();
  return Promise.resolve({ host, close: () => host.close() });
});

it('leaves no orphan when the host itself is killed with SIGKILL', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'host-'));
  const hostProcess = fork(join(import.meta.dirname, 'testing/host-process.ts'), [folder], { execArgv: [] });
  const [pid] = (await once(hostProcess, 'message')) as [number];
  expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toContain('sleep');
  hostProcess.kill('SIGKILL');
  await once(hostProcess, 'exit');
  // A killed process may stay as a zombie until somebody reaps it: what counts is that it does not run.
  const state = (): Promise<string> =>
    readFile(`/proc/${pid}/stat`, 'utf8').then(
      (stat) => stat.split(' ')[2] ?? '',
      () => 'gone',
    );
  while (!['Z', 'X', 'gone'].includes(await state())) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(['Z', 'X', 'gone']).toContain(await state());
  await rm(folder, { recursive: true });
});

it('ends what is just being started when it closes, and starts nothing more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'host-'));
  const host = localProcessHost();
  const spec = (id: string) => ({
    id,
    argv: ['/bin/sleep', '600'],
    env: {},
    cwd: '/',
    logFile: join(folder, `${id}.log`),
    maxLogBytes: 1e6,
  });
  const starting = host.start(spec('a'));
  await host.close();
  await starting;
  expect((await host.list()).map(({ exit }) => exit?.signal)).toEqual(['SIGKILL']);
  await expect(host.start(spec('b'))).rejects.toThrow(/its host is closed/);
  await rm(folder, { recursive: true });
});

it('cuts an overlong line into P pieces and a last F one, whatever the chunks', () => {
  const line = 'x'.repeat(40_000);
  const bytes = Buffer.from(`short\n${line}\nend`);
  for (const size of [bytes.length, 1000, 16_384]) {
    const tagger = new LineTagger('stdout');
    let text = '';
    for (let at = 0; at < bytes.length; at += size) text += tagger.push(bytes.subarray(at, at + size));
    text += tagger.end();
    const lines = text
      .trimEnd()
      .split('\n')
      .map((entry) => entry.slice(entry.indexOf(' ') + 1));
    expect(lines.map((entry) => entry.slice(0, 9))).toEqual(['stdout F ', 'stdout P ', 'stdout P ', 'stdout F ', 'stdout P ']);
    expect(lines[0]).toBe('stdout F short');
    expect(
      lines
        .slice(1, 4)
        .map((entry) => entry.slice(9))
        .join(''),
    ).toBe(line);
    expect(lines[4]).toBe('stdout P end');
  }
});

it('gives each chunk a later time than the one before, so that whoever reads on knows what is new', () => {
  const [out, error] = [new LineTagger('stdout'), new LineTagger('stderr')];
  const times = Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? out : error).push(Buffer.from('line\n')).replace(/ .*/s, ''));
  expect(new Set(times).size).toBe(100);
  expect(times.toSorted()).toEqual(times);
  expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
});
