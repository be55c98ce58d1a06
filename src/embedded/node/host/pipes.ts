/**
 * Pipes for a program's stdin, stdout and stderr. What Node makes for a child are sockets, which nobody can open again:
 * `echo > /dev/stderr` fails with them. Node makes no pipes, so outputs begin as FIFOs, whose names go at once.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, constants, fchownSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);
const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

export interface StdioPipes {
  /** What the program is spawned with; to be given back by `started`. */
  readonly stdio: readonly ('ignore' | number)[];
  readonly stdin: Socket | undefined;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** The program has its ends, or could not be started: ours of them are closed. */
  started(): void;
}

/** FIFOs that are made many at a time, because each time takes a program (`mkfifo`); open at both ends, and without a name. */
export class Fifos {
  readonly #batch: number;
  readonly #ready: Ends[] = [];
  #making: Promise<void> | undefined;
  #closed = false;

  constructor(batch = 16) {
    this.#batch = batch;
  }

  /** Two of them. `folder`: where names are for a moment; nobody else may write there. */
  async pair(folder: string): Promise<readonly [Ends, Ends]> {
    while (this.#ready.length < 2) {
      const others = this.#making;
      this.#making ??= this.#make(folder).finally(() => (this.#making = undefined));
      // Another's folder may go while they are made there: then they are made in this one.
      if (others) await others.catch(() => {});
      else await this.#making;
    }
    return this.#ready.splice(0, 2) as [Ends, Ends];
  }

  /** Closes what is left. What is still being made is closed when it is there. */
  close(): void {
    this.#closed = true;
    for (const { reader, writer } of this.#ready.splice(0)) {
      closeSync(reader);
      closeSync(writer);
    }
  }

  async #make(folder: string): Promise<void> {
    const id = randomBytes(5).toString('hex');
    const paths = Array.from({ length: this.#batch }, (_, i) => join(folder, `${id}.${i}`));
    try {
      await run('mkfifo', ['-m', '600', '--', ...paths]);
      for (const path of paths) this.#ready.push(openFifo(path));
    } finally {
      for (const path of paths) rmSync(path, { force: true });
      if (this.#closed) this.close();
    }
  }
}

/**
 * @param folder as for `Fifos.pair`
 * @param options `stdin`: else it is /dev/null; `owner`: the uid that may open them again
 */
export async function makePipes(
  fifos: Fifos,
  folder: string,
  options: { readonly stdin: boolean; readonly owner?: number | undefined },
): Promise<StdioPipes> {
  const { owner } = options;
  const [input, [output, errors]] = await Promise.all([options.stdin ? anonymousPipe() : undefined, fifos.pair(folder)]);
  const theirs = [...(input ? [input.reader] : []), output.writer, errors.writer];
  if (owner !== undefined) for (const fd of theirs) fchownSync(fd, owner, owner);
  return {
    stdio: [input ? input.reader : 'ignore', output.writer, errors.writer],
    stdin: input && new Socket({ fd: input.writer, readable: false, writable: true }),
    stdout: new Socket({ fd: output.reader, readable: true, writable: false }),
    stderr: new Socket({ fd: errors.reader, readable: true, writable: false }),
    started: () => theirs.splice(0).forEach((fd) => closeSync(fd)),
  };
}

interface Ends {
  readonly reader: number;
  readonly writer: number;
}

/** The writer blocks, the reader does not. */
function openFifo(path: string): Ends {
  // Neither end can be opened alone without waiting for the other.
  const first = openSync(path, O_RDWR | O_NONBLOCK);
  try {
    return { reader: openSync(path, O_RDONLY | O_NONBLOCK), writer: openSync(path, O_WRONLY) };
  } finally {
    closeSync(first);
  }
}

/**
 * Stdin cannot be a FIFO: whoever opens that again after the end (`cat /dev/stdin`) waits for ever. So a shell makes a pipe, and both
 * ends are taken from what it started. The reader blocks, the writer does not.
 */
async function anonymousPipe(): Promise<Ends> {
  const shell = spawn('/bin/sh', ['-c', '{ exec 4>&1; echo >&3; read _ <&3; } | :'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const ended = once(shell, 'exit');
  const control = shell.stdio[3] as Duplex;
  try {
    await once(control, 'data');
    const [holder = ''] = readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, 'utf8').split(' ');
    // Not 1, which is another for the moment of the `echo`.
    const path = `/proc/${holder}/fd/4`;
    return { reader: openSync(path, O_RDONLY), writer: openSync(path, O_WRONLY | O_NONBLOCK) };
  } finally {
    control.destroy();
    await ended;
  }
}
