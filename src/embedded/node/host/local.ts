/** The process host that really spawns: the owner of every pod's process, in the supervisor. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Log } from '../../../base/log.ts';
import { silentLog } from '../../../base/log.ts';
import type { HostedProcess, ProcessEvent, ProcessExit, ProcessHost, ProcessSpec } from '../process-host.ts';
import { offerAttachment } from './attachment.ts';
import { spawned } from './begun.ts';
import type { Begun } from './begun.ts';
import { Launcher } from './launcher.ts';
import { LogWriter } from './log-writer.ts';
import { Fifos, makePipes } from './pipes.ts';
import type { StdioPipes } from './pipes.ts';

/** How long after a process's end its pipes may stay open (something that left its process group holds them). */
const pipesCloseWithinMs = 500;
/** A pod may write to its life-line: a longer line, or more lines a second, is not the shim's talk. */
const maxLineBytes = 64 * 1024;
const maxLinesPerSecond = 200;

interface Entry {
  readonly spec: ProcessSpec;
  readonly process: Begun;
  readonly pipes: StdioPipes;
  readonly startedAt: number;
  exit?: ProcessExit;
}

export interface LocalProcessHost extends ProcessHost {
  /** Kills all that runs and resolves when it is gone. */
  close(): Promise<void>;
}

/**
 * Begins each process in a session of its own, with `PR_SET_PDEATHSIG` where there is a launcher or util-linux has `setpriv`: even when
 * this process is killed with SIGKILL, the kernel ends what it began.
 *
 * @param options `runFolder`: for sockets, nobody else's; default: one of its own in the temporary folder
 * @example const host = localProcessHost(); await host.start({ id: 'a', argv: ['/bin/true'], env: {}, cwd: '/', logFile: '/tmp/a.log', maxLogBytes: 1e6 });
 */
export function localProcessHost(options: { readonly log?: Log; readonly runFolder?: string } = {}): LocalProcessHost {
  const log = options.log ?? silentLog;
  const entries = new Map<string, Entry>();
  const starting = new Map<string, Promise<HostedProcess>>();
  const fifos = new Fifos();
  const launchers = new Map<string, Launcher>();
  let ownFolder: string | undefined;
  let closed = false;
  const listeners = new Set<(event: ProcessEvent) => void>();
  const tell = (event: ProcessEvent): void => {
    for (const listener of listeners) listener(event);
  };

  async function start(spec: ProcessSpec): Promise<HostedProcess> {
    if (closed) throw new Error(`process ${spec.id} is not started any more: its host is closed`);
    if (entries.has(spec.id) || starting.has(spec.id)) throw new Error(`process ${spec.id} exists already`);
    const started = launch(spec).finally(() => starting.delete(spec.id));
    starting.set(spec.id, started);
    return started;
  }

  async function launch(spec: ProcessSpec): Promise<HostedProcess> {
    const argv = spec.launcher ? spec.argv : [await findProgram(spec), ...spec.argv.slice(1)];
    const writer = new LogWriter(spec.logFile, spec.maxLogBytes);
    await writer.open();
    const pipes = await makePipes(fifos, dirname(spec.logFile), { stdin: spec.stdin === true, owner: spec.owner });
    const begun = spec.launcher ? launcherOf(spec.launcher).begin(spec, pipes) : spawned(argv, spec, pipes);
    const begunProcess = await begun
      .catch((error: unknown) => {
        for (const pipe of [pipes.stdin, pipes.stdout, pipes.stderr]) pipe?.destroy();
        void writer.close();
        throw error;
      })
      .finally(() => pipes.started());
    const entry: Entry = { spec, process: begunProcess, pipes, startedAt: Date.now() };
    entries.set(spec.id, entry);
    follow(entry, writer);
    return describe(entry);
  }

  function runFolder(): string {
    return options.runFolder ?? (ownFolder ??= mkdtempSync(join(tmpdir(), 'tsumugi-host-')));
  }

  function launcherOf(program: readonly string[]): Launcher {
    const key = program.join('\0');
    const launcher = launchers.get(key) ?? new Launcher(program, join(runFolder(), `launcher-${launchers.size}.sock`));
    launchers.set(key, launcher);
    return launcher;
  }

  function follow(entry: Entry, writer: LogWriter): void {
    const { spec } = entry;
    const { lifeline, pid, ended } = entry.process;
    const { stdin, stdout, stderr } = entry.pipes;
    writer.attach(stdout, 'stdout');
    writer.attach(stderr, 'stderr');
    stdin?.on('error', () => {});
    const closed = [stdout, stderr, lifeline].map((pipe) => finished(pipe, { writable: false }).catch(() => {}));
    const stopListening = listenToLifeline(lifeline, (line) => {
      if (line === undefined) killAll(entry);
      else tell({ type: 'line', id: spec.id, line });
    });
    void ended.then(async ({ code, signal }) => {
      const at = Date.now();
      // What it left behind in its process group ends with it, as in a container.
      send(-pid, 'SIGKILL');
      entry.process.release();
      stdin?.destroy();
      const force = setTimeout(() => [stdout, stderr, lifeline].forEach((pipe) => pipe.destroy()), pipesCloseWithinMs);
      // All pipes have ended, so the log holds all that was written.
      await Promise.all(closed);
      clearTimeout(force);
      stopListening();
      lifeline.destroy();
      await writer.close();
      if (writer.failure !== undefined) log.warn({ id: spec.id, error: writer.failure.message }, 'log lines of a pod were lost');
      entry.exit = { code, signal, at };
      tell({ type: 'exit', id: spec.id, code, signal, at });
    });
  }

  const host: LocalProcessHost = {
    start,
    send(id, line) {
      const entry = entries.get(id);
      const lifeline = entry?.process.lifeline;
      if (entry && !entry.exit && lifeline?.writable) lifeline.write(`${line}\n`);
    },
    signal(id, signal) {
      const entry = entries.get(id);
      if (!entry || hasEnded(entry)) return;
      if (signal === 'SIGKILL') killAll(entry);
      else send((entry.spec.nested && firstChild(entry.process.pid)) || entry.process.pid, 'SIGTERM');
    },
    async attach(id) {
      const entry = entries.get(id);
      if (!entry || hasEnded(entry)) throw new Error(`process ${id} does not run`);
      return offerAttachment(dirname(entry.spec.logFile), entry.pipes);
    },
    async list() {
      // Whoever asked for what is being started may be gone: who comes after him must know of it.
      await Promise.allSettled(starting.values());
      return [...entries.values()].map(describe);
    },
    forget(id) {
      if (entries.get(id)?.exit) entries.delete(id);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closed = true;
      // What is just being started would outlive us, and hold us by its pipes.
      await Promise.allSettled(starting.values());
      fifos.close();
      const running = [...entries.values()].filter((entry) => !entry.exit);
      const gone = running.map(
        (entry) =>
          new Promise<void>((resolve) => {
            const stop = host.subscribe((event) => {
              if (event.type !== 'exit' || event.id !== entry.spec.id) return;
              stop();
              resolve();
            });
          }),
      );
      running.forEach(killAll);
      await Promise.all(gone);
      await Promise.all([...launchers.values()].map((launcher) => launcher.close()));
      if (ownFolder !== undefined) rmSync(ownFolder, { recursive: true, force: true });
    },
  };
  return host;
}

/** As execvp would find it, so that a wrong name is an error of the start and not an exit code of `setpriv`. */
async function findProgram(spec: ProcessSpec): Promise<string> {
  const name = spec.argv[0] ?? '';
  const candidates = name.includes('/')
    ? [name]
    : (spec.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).map((folder) => join(folder, name));
  for (const path of candidates) {
    // A relative path is the child's, from its cwd.
    const runnable = await access(path.startsWith('/') ? path : join(spec.cwd, path), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runnable) return path;
  }
  throw Object.assign(new Error(`${name === '' ? 'an empty command' : name}: no such program`), { code: 'ENOENT' });
}

function describe(entry: Entry): HostedProcess {
  const { spec, process: begun, startedAt, exit } = entry;
  return { id: spec.id, pid: begun.pid, startedAt, ...(exit ? { exit } : {}) };
}

/**
 * Its process group, the session that it leads, and what it started in groups of their own: programs of functions are. In a pid
 * namespace the kernel ends all the rest with it.
 */
function killAll(entry: Entry): void {
  if (hasEnded(entry)) return;
  const others = entry.spec.nested ? [] : descendants(entry.process.pid);
  send(-entry.process.pid, 'SIGKILL');
  for (const pid of others) send(pid, 'SIGKILL');
}

/** Its pid may be another's by now. */
const hasEnded = (entry: Entry): boolean => entry.process.end !== undefined;

function send(pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

const firstChild = (pid: number): number | undefined => childrenOf(pid)[0];

/** Of its main thread, which starts them. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

const descendants = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);

/** Calls with each line, and with `undefined` once the talk breaks the rules. Returns how to stop. */
function listenToLifeline(lifeline: Duplex, heard: (line: string | undefined) => void): () => void {
  let second = 0;
  let inSecond = 0;
  let unfinished = 0;
  const lines = createInterface({ input: lifeline, crlfDelay: Number.POSITIVE_INFINITY });
  // readline passes the stream's errors on. A pod that was killed with unread lines resets its life-line: that is its end, not ours.
  lines.on('error', () => undefined);
  const stop = (): void => lines.close();
  const breach = (): void => {
    stop();
    heard(undefined);
  };
  lifeline.on('error', () => {});
  lifeline.on('data', (chunk: Buffer) => {
    const newline = chunk.lastIndexOf(10);
    unfinished = newline < 0 ? unfinished + chunk.length : chunk.length - newline - 1;
    if (unfinished > maxLineBytes) breach();
  });
  lines.on('line', (line) => {
    const now = Math.trunc(Date.now() / 1000);
    if (now !== second) [second, inSecond] = [now, 0];
    inSecond += 1;
    if (inSecond > maxLinesPerSecond) breach();
    else heard(line);
  });
  return stop;
}
