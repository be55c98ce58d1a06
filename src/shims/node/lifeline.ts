import { Socket } from 'node:net';
import { killPrograms } from '../binary/launcher.ts';
import type { Assignment } from './instance.ts';

/**
 * The node's hand on this process: JSON lines both ways on an inherited stream. Its end is ours, at once, whatever is running.
 * `start` makes the pod listen.
 */
export function openLifeline(fd: number, start: (assignment: Assignment) => Promise<void>): void {
  const line = new Socket({ fd, readable: true, writable: true });
  const say = (message: object): void => void line.write(`${JSON.stringify(message)}\n`);
  const end = (): void => {
    killPrograms();
    // Not process.exit alone: it joins V8's workers, and one that waits for a garbage collection of this thread never ends (seen under
    // load). As pid 1 of a sandbox SIGKILL from inside does nothing, then exit is what is left.
    process.kill(process.pid, 'SIGKILL');
    process.exit(0);
  };
  line.on('end', end).on('close', end).on('error', end);
  let text = '';
  line.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
      const message = JSON.parse(text.slice(0, at)) as { assign?: Assignment };
      text = text.slice(at + 1);
      if (message.assign) {
        start(message.assign).then(
          () => say({ listening: true }),
          (error: Error) => say({ error: error.message }),
        );
      }
    }
  });
  say({ ready: true });
}
