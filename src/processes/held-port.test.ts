import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { holdPort } from './held-port.ts';

/** Listens on fd 3 and answers each connection with its pid. */
const program = `require('node:net').createServer((socket) => socket.end(String(process.pid))).listen({ fd: 3 }, () => process.stdout.write('up'))`;

async function listener(fd: number) {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit', fd] });
  await once(child.stdout!, 'data');
  return {
    pid: String(child.pid),
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** What is said to a new connection. */
async function heard(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk as string;
  return text;
}

test('while nobody listens, connections wait for the next who does; once it is released, they are refused', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as { port: number };
  await expect(holdPort({ host: '127.0.0.1', port, reusePort: false })).rejects.toMatchObject({ code: 'Conflict' });
  free.close();
  await once(free, 'close');

  const held = (await holdPort({ host: 'localhost', port, reusePort: false }))!;
  const first = await listener(held.fd);
  expect(await heard(port)).toBe(first.pid);
  await first.kill();
  const waiting = [heard(port), heard(port)];
  const second = await listener(held.fd);
  expect(await Promise.all(waiting)).toEqual([second.pid, second.pid]);
  held.release();
  held.release();
  await second.kill();
  await expect(heard(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
