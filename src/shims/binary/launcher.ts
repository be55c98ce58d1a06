/**
 * A shell that waits, and starts one program after another: that costs less than half of what Node's spawn does. Its stdin takes
 * commands, its stdout tells exit codes. It leads a process group, and all that it starts is in it: killing that ends everything.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, open, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { IncomingBody } from '../node/incoming-body.ts';
import { Lines } from './lines.ts';
import { Output } from './output.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

/** What a program left behind may keep its stdout open for so long (ms). */
const lingerMs = 500;

export interface Started {
  readonly output: Output;
  /** Resolves with the exit code when it has ended and its errors are logged; 128 + n: killed by signal n. */
  readonly exit: Promise<number>;
}

const living = new Set<Launcher>();

/** At the end of the instance: nothing that it started outlives it. */
export function killPrograms(): void {
  for (const launcher of living) launcher.kill();
}

export class Launcher {
  readonly #shell: ChildProcess;
  readonly #folder: string;
  readonly #errors: number;
  readonly #lines: Lines;
  /** A program has ended. */
  #ended: ((code: number) => void) | undefined;
  #rested: (() => void) | undefined;
  #text = '';
  #alive = true;

  /**
   * A shell with the process's own variables, whose FIFOs are in `folder`, which is made.
   *
   * @throws {Error} where there is no shell, or it cannot make them.
   */
  static async open(folder: string, log: (line: string, requestId: string) => void): Promise<Launcher> {
    try {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new Error(`no shell for programs: ${(error as Error).message}`, { cause: error });
    }
    const shell = spawn('/bin/sh', [], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    shell.stderr.on('data', (piece: Buffer) => said.push(piece));
    shell.stdin.on('error', () => {});
    shell.stdin.write(`command -p mkfifo ${['in', 'out', 'err'].map((name) => quoted(join(folder, name))).join(' ')} && echo ready\n`);
    await new Promise<void>((resolve, reject) => {
      const failed = (why: string): void => reject(new Error(`no shell for programs: ${Buffer.concat(said).toString().trim() || why}`));
      shell.once('error', ({ message }) => failed(message));
      shell.once('exit', () => failed('it ended'));
      shell.stderr.once('data', () => setImmediate(failed, 'mkfifo failed'));
      shell.stdout.once('data', () => resolve());
    });
    shell.removeAllListeners('exit').removeAllListeners('error');
    return new Launcher(shell, folder, log);
  }

  private constructor(shell: ChildProcess, folder: string, log: (line: string, requestId: string) => void) {
    this.#shell = shell;
    this.#folder = folder;
    this.#lines = new Lines(log);
    // Never at its end, because this process could write, too.
    this.#errors = openSync(join(folder, 'err'), O_RDWR | O_NONBLOCK);
    const errors = new Socket({ fd: this.#errors, readable: true, writable: false });
    errors.on('data', (piece) => this.#lines.push(piece as Buffer)).on('error', () => {});
    shell.stdout!.setEncoding('latin1').on('data', (text: string) => this.#hear(text));
    shell
      .on('error', () => {})
      .once('exit', (code, signal) => {
        this.#alive = false;
        living.delete(this);
        this.#ended?.(signal === null ? (code ?? 1) : 137);
        this.#rested?.();
        this.#lines.end();
        errors.destroy();
      });
    living.add(this);
  }

  /** It has started a program. */
  isUsed = false;

  /** Nothing of the last program is under way. */
  idle: Promise<void> = Promise.resolve();

  /** Another program can be started. */
  get isAlive(): boolean {
    return this.#alive;
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    try {
      process.kill(-this.#shell.pid!, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }

  /** Starts `command`, with these variables and this body; one at a time. */
  start(command: readonly string[], variables: ReadonlyMap<string, string>, requestId: string, body: IncomingBody | undefined): Started {
    const file = (name: string): string => join(this.#folder, name);
    const reader = openSync(file('out'), O_RDONLY | O_NONBLOCK);
    // Ours, until the program has ended: else it could end before its output was looked at.
    const writer = openSync(file('out'), O_WRONLY);
    const output = new Output(new Socket({ fd: reader, readable: true, writable: false }));
    this.#lines.begin(requestId);
    this.isUsed = true;
    const given = [...variables].map(([name, value]) => `${name}=${quoted(value)}`).join(' ');
    const program = `(export ${given}; exec ${command.map(quoted).join(' ')}) >${quoted(file('out'))} 2>${quoted(file('err'))}`;
    const whole = body?.takeNow();
    let endInput = (): void => {};
    const isIdle = Promise.withResolvers<void>();
    this.idle = isIdle.promise;
    if (body && !whole) {
      endInput = this.#feed(file('in'), body);
      // Not from the FIFO itself: whoever opens /dev/stdin after its end would wait for ever. The code is told when the program ends, the
      // empty line when nobody reads the FIFO any more.
      const pipe = `command -p cat <&3 3<&- | { ${program}; echo $?; } 3<&-`;
      this.#shell.stdin!.write(`{ ${pipe}; } 3<${quoted(file('in'))}; echo\n`);
    } else {
      if (whole && whole.length > 0) writeFileSync(file('body'), whole);
      this.#shell.stdin!.write(`${program} <${whole && whole.length > 0 ? quoted(file('body')) : '/dev/null'}\necho $?; echo\n`);
    }
    const exit = new Promise<number>((resolve) => {
      this.#ended = (code) => {
        this.#ended = undefined;
        this.#readErrors();
        this.#lines.end();
        closeSync(writer);
        endInput();
        this.#linger(output);
        resolve(code);
      };
    });
    this.#rested = isIdle.resolve;
    return { output, exit };
  }

  /** Writes a body to the FIFO as it comes, and as it is read. Answers how to stop. */
  #feed(path: string, body: IncomingBody): () => void {
    const stop = new AbortController();
    void this.#write(path, body, stop.signal);
    return () => stop.abort();
  }

  async #write(path: string, body: IncomingBody, stop: AbortSignal): Promise<void> {
    // To open waits for the other end. When the shell is killed, that may never come, and ours is enough.
    let rescuer: number | undefined;
    const rescue = (): void => {
      rescuer = openSync(path, O_RDONLY | O_NONBLOCK);
    };
    this.#shell.once('exit', rescue);
    const fd = await promisify(open)(path, O_WRONLY);
    this.#shell.off('exit', rescue);
    if (rescuer !== undefined) closeSync(rescuer);
    const stdin = new Socket({ fd, readable: false, writable: true });
    const closed = new Promise<void>((resolve) => stdin.on('error', () => {}).once('close', () => resolve()));
    const close = (): void => void stdin.destroy();
    stop.addEventListener('abort', close);
    if (stop.aborted) close();
    try {
      while (!stdin.destroyed) {
        const piece = await Promise.race([body.read(), closed]);
        if (!piece) break;
        await Promise.race([new Promise((resolve) => stdin.write(piece, resolve)), closed]);
      }
    } catch {
      // The caller gave up: the program is being killed.
    }
    close();
    body.cancel();
  }

  /** Lines: the exit code of a program, then an empty one. */
  #hear(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop()!;
    for (const line of lines) {
      if (line === '') this.#rested?.();
      else this.#ended?.(Number(line));
    }
  }

  /** What the program wrote is in the pipe by now. */
  #readErrors(): void {
    const piece = Buffer.alloc(64 * 1024);
    try {
      for (;;) {
        const length = readSync(this.#errors, piece);
        if (length === 0) return;
        this.#lines.push(Buffer.from(piece.subarray(0, length)));
      }
    } catch {
      // No more there.
    }
  }

  /** The output ends with the last process that can write it: what the program left behind is killed, what is out of reach is not heard any more. */
  #linger(output: Output): void {
    if (output.isOver) return;
    let looks = 0;
    const timer = setInterval(() => {
      if (looks++ === 0) this.kill();
      else if (output.isWaiting) output.stop();
    }, lingerMs).unref();
    void output.over.then(() => clearInterval(timer));
  }
}

/** As a word for a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
