/**
 * Processes begun by a small program that stays (`ProcessSpec.launcher`): it forks in a fraction of what a spawn costs this process,
 * which has to wait for each, and it has been read and compiled once.
 *
 * It is told on its stdin, each request `LENGTH\n` and so many bytes, fields with a NUL between them:
 * - `begin SOCKET ID STDIN STDOUT STDERR COUNT (NAME VALUE)… WORD…`: a process of its own opens these three paths, connects twice to the
 *   unix socket, saying `lifeline ID\n` on what is its descriptor 3 and `control ID\n` on the other, and does what the words say.
 *   On the control connection follows `begun PID\n` or `failed PID WHY\n`, and `ended CODE\n`; its end without that is that of a process
 *   that was killed.
 * - `release PID`: nobody asks for that pid any more.
 *
 * The end of its stdin is its own, and its end that of all that it began.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { basePath } from '../isolation/isolation.ts';
import { nulSeparated } from '../nul-separated.ts';
import type { ProcessSpec } from '../process-host.ts';
import type { Begun, End } from './begun.ts';
import type { StdioPipes } from './pipes.ts';

interface Waiting {
  lifeline?: Socket;
  /** With the pid that it has said. */
  control?: readonly [Socket, number];
  readonly resolve: (begun: Begun) => void;
  readonly reject: (error: Error) => void;
}

export class Launcher {
  readonly #path: string;
  readonly #server: Server = createServer((socket) => this.#greet(socket));
  readonly #waiting = new Map<string, Waiting>();
  readonly #program: readonly string[];
  #child: Promise<ChildProcess> | undefined;
  #listening: Promise<unknown> | undefined;
  #last = 0;

  /** `path`: of its socket, where nobody else may go. */
  constructor(program: readonly string[], path: string) {
    this.#program = program;
    this.#path = path;
  }

  /** Rejects when it cannot be begun. */
  async begin({ argv, env }: Pick<ProcessSpec, 'argv' | 'env'>, { stdio }: Pick<StdioPipes, 'stdio'>): Promise<Begun> {
    await (this.#listening ??= this.#listenAt(this.#path));
    const child = await (this.#child ??= this.#start());
    const id = String(++this.#last);
    const paths = stdio.map((fd) => (fd === 'ignore' ? '/dev/null' : `/proc/${process.pid}/fd/${fd}`));
    const variables = Object.entries(env);
    const request = nulSeparated(['begin', this.#path, id, ...paths, String(variables.length), ...variables.flat(), ...argv]);
    return new Promise<Begun>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      tell(child, request);
    }).finally(() => this.#waiting.delete(id));
  }

  /** Ends it, and with it all that it began. */
  async close(): Promise<void> {
    const child = await this.#child?.catch(() => undefined);
    if (child && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.stdin?.end();
      await exited;
    }
    this.#server.close();
  }

  #listenAt(path: string): Promise<unknown> {
    // Of one that was killed.
    rmSync(path, { force: true });
    return once(this.#server.listen(path), 'listening');
  }

  async #start(): Promise<ChildProcess> {
    const [program = '', ...args] = this.#program;
    const child = spawn(program, [...args, 'serve'], { cwd: '/', stdio: ['pipe', 'ignore', 'inherit'], env: { PATH: basePath } });
    child.stdin?.on('error', () => undefined);
    // The next one that is wanted begins another.
    child.once('exit', () => {
      this.#child = undefined;
      for (const { reject } of this.#waiting.values()) reject(new Error('the program that begins others has ended'));
    });
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject)).catch((error: unknown) => {
      this.#child = undefined;
      throw error;
    });
    return child;
  }

  /** Who has connected says so in its first line. */
  #greet(socket: Socket): void {
    socket.on('error', () => undefined);
    readLine(socket, (line) => {
      const [role, id = ''] = line.split(' ');
      const waiting = this.#waiting.get(id);
      if (!waiting) return void socket.destroy();
      if (role === 'control') return this.#listen(socket, waiting);
      waiting.lifeline = socket;
      this.#complete(waiting);
    });
  }

  #listen(control: Socket, waiting: Waiting): void {
    control.once('close', () => waiting.reject(new Error('it ended before it began')));
    readLine(control, (line) => {
      const [word, pid, ...why] = line.split(' ');
      waiting.control = [control, Number(pid)];
      if (word === 'begun') return this.#complete(waiting);
      waiting.reject(new Error(why.join(' ')));
      this.#release(waiting.control);
    });
  }

  /** Which of the two is heard first nobody knows. */
  #complete({ lifeline, control, resolve }: Waiting): void {
    if (!lifeline || !control) return;
    const [socket, pid] = control;
    let end: End | undefined;
    const ended = new Promise<End>((resolveEnd) => {
      readLine(socket, (line) => resolveEnd((end ??= { code: Number(line.split(' ')[1]), signal: null })));
      socket.once('close', () => resolveEnd((end ??= { code: null, signal: 'SIGKILL' })));
    });
    resolve({
      pid,
      lifeline,
      get end() {
        return end;
      },
      ended,
      release: () => this.#release(control),
    });
  }

  #release([socket, pid]: readonly [Socket, number]): void {
    socket.destroy();
    void this.#child?.then((child) => tell(child, `release\0${pid}`));
  }
}

function tell({ stdin }: ChildProcess, request: string): void {
  const bytes = Buffer.from(request);
  (stdin as Writable).write(Buffer.concat([Buffer.from(`${bytes.length}\n`), bytes]));
}

/** One line, once; what follows it stays in the stream. */
function readLine(socket: Socket, heard: (line: string) => void): void {
  let held = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    const at = held.indexOf(10);
    if (at < 0) return;
    socket.off('data', read).pause();
    if (at + 1 < held.length) socket.unshift(held.subarray(at + 1));
    heard(held.toString('utf8', 0, at));
  };
  socket.on('data', read).resume();
}
