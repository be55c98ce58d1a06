import { EventEmitter } from 'node:events';
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { processHostContract } from '../process-host.contract.ts';
import type { IpcPeer } from './ipc.ts';
import { ipcProcessHost, serveProcessHost } from './ipc.ts';
import { localProcessHost } from './local.ts';

processHostContract('over a Node IPC channel', () => {
  const supervisor = fork(join(import.meta.dirname, 'testing/host-process.ts'), [tmpdir(), 'serve'], { execArgv: [] });
  const host = ipcProcessHost(supervisor);
  const close = async (): Promise<void> => {
    host.close();
    supervisor.disconnect();
    await once(supervisor, 'exit');
  };
  return Promise.resolve({ host, close });
});

it('a second control plane learns what runs and what ended while there was none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'host-'));
  const host = localProcessHost();
  const connect = (): { client: ReturnType<typeof ipcProcessHost>; cut: () => void } => {
    const [left, right] = [new EventEmitter(), new EventEmitter()];
    const peer = (mine: EventEmitter, theirs: EventEmitter): IpcPeer =>
      Object.assign(mine, {
        connected: true,
        send: (message: object) => setImmediate(() => theirs.emit('message', structuredClone(message))) !== undefined,
      });
    serveProcessHost(host, peer(left, right));
    const client = ipcProcessHost(peer(right, left));
    return { client, cut: () => [left, right].forEach((end) => end.emit('disconnect')) };
  };
  const spec = (id: string): Parameters<typeof host.start>[0] => ({
    id,
    argv: ['/bin/sh', '-c', 'read -r code <&3; exit $code'],
    env: {},
    cwd: folder,
    logFile: join(folder, id),
    maxLogBytes: 1000,
  });

  const first = connect();
  await first.client.start(spec('ends'));
  const { pid } = await first.client.start(spec('stays'));
  first.cut();
  const ended = new Promise<void>((resolve) => {
    host.subscribe((event) => event.type === 'exit' && resolve());
  });
  host.send('ends', '4');
  await ended;

  const second = connect();
  const listed = await second.client.list();
  expect(listed.find(({ id }) => id === 'ends')?.exit).toMatchObject({ code: 4, signal: null });
  expect(listed.find(({ id }) => id === 'stays')).toMatchObject({ pid });
  const told = new Promise((resolve) => {
    second.client.subscribe((event) => event.type === 'exit' && resolve(event));
  });
  second.client.send('stays', '5');
  expect(await told).toMatchObject({ id: 'stays', code: 5 });
  second.cut();
  await host.close();
  await rm(folder, { recursive: true });
});
