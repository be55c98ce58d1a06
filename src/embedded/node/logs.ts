/** A pod's log for the API: the lines of its CRI files, the rotated part first, and what still comes. */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { ApiError } from '../../resources/object.ts';
import type { PodLogOptions } from '../api/pod-access.ts';
import type { PodRun } from './pod-run.ts';

const chunkBytes = 64 * 1024;
/** A follower looks again after so long even when the file system says nothing. */
const lookAgainMs = 1000;

/** Bytes of whole lines. Throws before the first chunk where there is no log. */
export async function* podLog(pod: Pod, run: PodRun | undefined, request: PodLogOptions): AsyncGenerator<Uint8Array> {
  const container = run?.containers.find(({ spec }) => spec.name === request.container);
  const status = container?.status;
  const file = container?.logFile(request.previous);
  const refusal = (message: string): ApiError =>
    new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: 'BadRequest', code: 400 });
  if (request.previous && (status?.restartCount ?? 0) === 0) {
    throw refusal(`previous terminated container "${request.container}" in pod "${pod.metadata.name}" not found`);
  }
  if (!container || file === undefined || !(await exists(file))) {
    const reason = status?.state?.waiting?.reason ?? 'ContainerCreating';
    throw refusal(`container "${request.container}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`);
  }
  const ended = (): boolean => request.previous || !container.isAlive || container.logFile(false) !== file;
  yield* limited(select(file, request, ended), request.limitBytes);
}

/** Entries joined to chunks; the last ones only where the request says so. */
async function* select(file: string, request: PodLogOptions, ended: () => boolean): AsyncGenerator<string> {
  const since = sinceOf(request);
  const shown = (line: string): string | undefined => show(line, since, request.timestamps);
  const reader = new LogReader(file);
  try {
    if (request.tailLines === undefined) {
      for await (const lines of reader.present()) yield lines.map(shown).filter(isText).join('');
    } else {
      let last: string[] = [];
      for await (const lines of reader.present())
        last = [...last, ...lines.map(shown).filter(isText)].slice(-request.tailLines || lines.length + last.length);
      if (request.tailLines > 0) yield last.join('');
    }
    while (request.follow && !request.signal.aborted) {
      // Asked before reading: what was written before the end is read after it.
      const isLast = ended();
      for await (const lines of reader.present()) yield lines.map(shown).filter(isText).join('');
      if (isLast) return;
      await reader.change(request.signal);
    }
  } finally {
    await reader.close();
  }
}

const isText = (text: string | undefined): text is string => text !== undefined;

/** `<time> <stream> F|P <text>` as the caller wants it: a P piece has no line end. Times compare as text. */
function show(line: string, since: string | undefined, timestamps: boolean): string | undefined {
  const stream = line.indexOf(' ') + 1;
  const tag = line.indexOf(' ', stream) + 1;
  if (since !== undefined && line.slice(0, stream - 1) < since) return undefined;
  const text = line.slice(tag + 2) + (line[tag] === 'P' ? '' : '\n');
  return timestamps ? `${line.slice(0, stream)}${text}` : text;
}

function sinceOf({ sinceSeconds, sinceTime }: PodLogOptions): string | undefined {
  const time = sinceSeconds === undefined ? sinceTime && Date.parse(sinceTime) : Date.now() - sinceSeconds * 1000;
  return time === undefined || time === '' ? undefined : new Date(time).toISOString().slice(0, -1);
}

async function* limited(texts: AsyncIterable<string>, limitBytes = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  let left = limitBytes;
  for await (const text of texts) {
    if (text === '') continue;
    yield Buffer.from(left < text.length ? text.slice(0, left) : text, 'latin1');
    left -= text.length;
    if (left <= 0) return;
  }
}

/** Reads on where it stopped, across rotations; texts are latin1, one character a byte. */
class LogReader {
  readonly #path: string;
  #file: FileHandle | undefined;
  #rest = '';
  #began = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whole lines that are there now. */
  async *present(): AsyncGenerator<string[]> {
    if (!this.#began) {
      this.#began = true;
      this.#file = await open(`${this.#path}.1`, 'r').catch(() => open(this.#path, 'r'));
    }
    for (;;) {
      yield* this.#toEnd();
      const successor = await this.#successor();
      if (!successor) return;
      // Between the last read and the rotation more may have come.
      yield* this.#toEnd();
      await this.#file?.close();
      this.#file = successor;
    }
  }

  /** Something was written, or a second has passed. */
  async change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const name = basename(this.#path);
    const watcher = watchFolder(dirname(this.#path), (changed) => {
      if (changed === name) resolve();
    });
    const timer = setTimeout(resolve, lookAgainMs);
    const onAbort = (): void => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
    watcher?.close();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async *#toEnd(): AsyncGenerator<string[]> {
    const buffer = Buffer.alloc(chunkBytes);
    while (this.#file) {
      const { bytesRead } = await this.#file.read(buffer, 0, chunkBytes, null);
      if (bytesRead === 0) return;
      const text = this.#rest + buffer.toString('latin1', 0, bytesRead);
      const end = text.lastIndexOf('\n');
      this.#rest = text.slice(end + 1);
      if (end >= 0) yield text.slice(0, end).split('\n');
    }
  }

  /** The file that was begun when the one that is read was rotated away. */
  async #successor(): Promise<FileHandle | undefined> {
    if (!this.#file) return undefined;
    const [mine, now] = await Promise.all([this.#file.stat(), stat(this.#path).catch(() => undefined)]);
    if (!now || now.ino === mine.ino) return undefined;
    const rotated = await open(`${this.#path}.1`, 'r').catch(() => undefined);
    // Rotated twice since: the one between is still there.
    if (rotated && (await rotated.stat()).ino !== mine.ino) return rotated;
    await rotated?.close();
    return open(this.#path, 'r');
  }
}

/** None where the system has no watches left: then looking again is all there is. */
function watchFolder(path: string, changed: (name: string | null) => void): FSWatcher | undefined {
  try {
    return watch(path, (_, name) => changed(name)).on('error', () => {});
  } catch {
    return undefined;
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
