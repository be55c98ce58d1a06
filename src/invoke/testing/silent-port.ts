import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A port that answers no SYN, as that of a node that is gone: its process is stopped, and the kernel holds as many connections for it as it may. */
export async function silentPort(): Promise<{ readonly address: string; close(): Promise<void> }> {
  const listen = `require('net').createServer().listen({port: 0, host: '127.0.0.1', backlog: 1}, function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const held: Socket[] = [];
  for (let waits = true; waits;) {
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    held.push(socket.on('error', () => undefined));
    // On the loopback the kernel answers within the turn, or not at all.
    waits = await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise<false>((resolve) => setTimeout(resolve, 300, false)),
    ]);
  }
  return {
    address: `tcp:127.0.0.1:${Number(port)}`,
    close: async () => {
      for (const socket of held) socket.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
