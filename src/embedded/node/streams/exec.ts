/** One more program in a running container: `kubectl exec`. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { constants } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PodStreams, TerminalSize } from '../../api/pod-access.ts';
import { deathSignalPrefix } from '../host/death-signal.ts';
import { Fifos, makePipes } from '../host/pipes.ts';
import type { Entry } from '../isolation/isolation.ts';
import { beginText, launcher } from './launcher.ts';
import { resize } from './resize.ts';

/** How long a first size of the client's terminal is waited for. */
const sizeWithinMs = 100;

/** The command could not be begun; the message is a container runtime's. */
export class ExecError extends Error {}

export interface ExecCommand {
  readonly command: readonly string[];
  readonly entry: Entry;
  /** As the program sees it. */
  readonly cwd: string;
  /** On the host, for the moment in which pipes are made. */
  readonly folder: string;
}

/**
 * Runs the command to its end; answers its exit code, 128 + n for a signal. When the client has gone, all of it is killed.
 *
 * @throws ExecError
 */
export async function execute({ command, entry, cwd, folder }: ExecCommand, streams: PodStreams): Promise<number> {
  const { stdin, stdout, stderr, tty, signal } = streams;
  const sizes = streams.sizes[Symbol.asyncIterator]();
  const size = tty ? await firstSize(sizes) : undefined;
  const pipes = await makePipes(new Fifos(2), folder, { stdin: stdin !== undefined || tty, owner: entry.owner });
  const child = spawnInside(entry, [...(await deathSignalPrefix()), ...entry.argv, ...launcher, ...command], pipes.stdio);
  const exited = exitCode(child);
  pipes.started();
  const abort = (): void => {
    killGroup(child);
    for (const pipe of [pipes.stdin, pipes.stdout, pipes.stderr]) pipe?.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) abort();
    const control = child.stdio[3] as Duplex;
    control.on('error', () => {});
    control.end(beginText({ command, cwd, check: entry.check, terminal: tty ? { size: size?.value } : undefined }));
    // What the client sends goes in, however the program ends.
    if (pipes.stdin && stdin) pipeline(stdin, pipes.stdin).catch(() => {});
    const outputs = [pass(pipes.stdout, stdout), pass(pipes.stderr, stderr)];
    const { failed, terminal } = await beginning(control);
    if (failed !== undefined) throw new ExecError(failed);
    if (terminal !== undefined) void follow(sizes, size?.next, (to) => resize(entry, terminal, to));
    const [code] = await Promise.all([exited, ...outputs]);
    return code;
  } finally {
    signal.removeEventListener('abort', abort);
    abort();
  }
}

function exitCode(child: ChildProcess): Promise<number> {
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
  exited.catch(() => {});
  return exited;
}

function spawnInside({ env }: Entry, argv: readonly string[], stdio: readonly ('ignore' | number)[]): ChildProcess {
  return spawn(argv[0] as string, argv.slice(1), { cwd: '/', env, stdio: [...stdio, 'pipe'], detached: true });
}

/** What the launcher says until the command has begun. The program that makes a terminal keeps the descriptor: its word is the last. */
async function beginning(control: Duplex): Promise<{ failed?: string; terminal?: string }> {
  const lines = createInterface({ input: control });
  lines.on('error', () => {});
  const said = new Promise<{ failed?: string; terminal?: string }>((resolve) => {
    lines.on('line', (line) => {
      const at = line.indexOf(' ');
      const [word, rest] = [line.slice(0, at), line.slice(at + 1)];
      if (word === 'failed' || word === 'terminal') resolve({ [word]: rest });
    });
    // Of the connection itself: one that breaks has no end that the reader of lines would see.
    control.once('close', () => resolve({}));
  });
  return said;
}

/** To the end of what the program writes. A client that has closed this stream misses the rest. */
async function pass(from: Readable, to: Writable | undefined): Promise<void> {
  if (to) await pipeline(from, to).catch(() => {});
  else {
    from.resume();
    await finished(from).catch(() => {});
  }
}

interface FirstSize {
  readonly value?: TerminalSize | undefined;
  /** Not come yet. */
  readonly next?: Promise<IteratorResult<TerminalSize>>;
}

async function firstSize(sizes: AsyncIterator<TerminalSize>): Promise<FirstSize> {
  const next = sizes.next();
  const first = await Promise.race([next, sleep(sizeWithinMs)]);
  return first ? { value: first.done ? undefined : first.value } : { next };
}

async function follow(
  sizes: AsyncIterator<TerminalSize>,
  first: FirstSize['next'],
  to: (size: TerminalSize) => Promise<void>,
): Promise<void> {
  for (let next = await (first ?? sizes.next()); !next.done; next = await sizes.next()) await to(next.value);
}

function killGroup({ pid, exitCode: code, signalCode }: ChildProcess): void {
  if (pid === undefined || code !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
