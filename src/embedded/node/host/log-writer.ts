/**
 * A pod's log: what its process writes to stdout and stderr, in the CRI's format, in one file of bounded size.
 *
 * The hot path is one string replace per chunk: bytes are carried as latin1 (one character each, so UTF-8 passes unharmed)
 * and every line of a chunk gets the same time, which no other chunk has.
 */
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { toError } from '../../../base/errors.ts';

/** A longer line is cut in pieces, all but the last marked P, as the container runtimes do. */
const maxLine = 16 * 1024;
/** More than this waiting for the disk: the process's pipes are no longer read, so its writes block. */
const highWater = 1024 * 1024;

let stampMs = 0;
let stampText = '';
let stamps = 0;

/** RFC 3339 with nanoseconds: the clock's milliseconds, and in each of them one microsecond more, so that whoever reads on knows what is new. */
function timestamp(): string {
  const now = Date.now();
  if (now !== stampMs) {
    stampMs = now;
    stampText = new Date(now).toISOString().slice(0, -1);
    stamps = 0;
  }
  return `${stampText}${String(Math.min(stamps++, 999)).padStart(3, '0')}000Z`;
}

/** Turns one stream's chunks into log lines, keeping the unfinished last line. Exported for its test. */
export class LineTagger {
  readonly #stream: 'stdout' | 'stderr';
  #rest = '';

  constructor(stream: 'stdout' | 'stderr') {
    this.#stream = stream;
  }

  /** The chunk's lines that are complete, as log text (latin1); '' when there is none yet. */
  push(chunk: Buffer): string {
    const text = this.#rest + chunk.toString('latin1');
    const end = text.lastIndexOf('\n');
    if (end < 0) return this.#cut(text, '');
    const lines = text.slice(0, end);
    const full = `${timestamp()} ${this.#stream} F `;
    let out = '';
    if (lines.length <= maxLine) {
      out = `${full}${lines.replaceAll('\n', `\n${full}`)}\n`;
    } else {
      for (const line of lines.split('\n')) {
        out = this.#cut(line, out);
        out += `${full}${this.#rest}\n`;
      }
    }
    return this.#cut(text.slice(end + 1), out);
  }

  /** At the stream's end: a last line that has no newline, and so no end. */
  end(): string {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? '' : `${timestamp()} ${this.#stream} P ${rest}\n`;
  }

  /** Appends the pieces of an overlong line to `out`; what is left of it becomes the rest. */
  #cut(line: string, out: string): string {
    let at = 0;
    for (; line.length - at > maxLine; at += maxLine) out += `${timestamp()} ${this.#stream} P ${line.slice(at, at + maxLine)}\n`;
    this.#rest = line.slice(at);
    return out;
  }
}

export class LogWriter {
  readonly #path: string;
  readonly #half: number;
  readonly #sources: Readable[] = [];
  readonly #taggers: LineTagger[] = [];
  #pending: string[] = [];
  #pendingBytes = 0;
  #paused = false;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  #writing: Promise<void> | undefined;
  #failed: Error | undefined;

  /** `maxBytes` bounds the file and its rotated part together. */
  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#half = Math.max(1, Math.floor(maxBytes / 2));
  }

  /** Makes the file, so that a wrong path fails the start and not the first line. */
  async open(): Promise<void> {
    this.#file = await open(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600);
    this.#fileBytes = (await this.#file.stat()).size;
  }

  /** Logs all that comes out of the pipe, until it ends. */
  attach(source: Readable, stream: 'stdout' | 'stderr'): void {
    const tagger = new LineTagger(stream);
    this.#sources.push(source);
    this.#taggers.push(tagger);
    source.on('data', (chunk: Buffer) => this.#add(tagger.push(chunk)));
    source.on('error', () => {});
  }

  /** After the pipes' end: resolves when all that they said is in the file. Never rejects: a full disk loses log lines, not pods. */
  async close(): Promise<void> {
    for (const tagger of this.#taggers) this.#add(tagger.end());
    while (this.#writing) await this.#writing;
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
  }

  /** Why lines were lost, if any were. */
  get failure(): Error | undefined {
    return this.#failed;
  }

  #add(text: string): void {
    if (text === '') return;
    this.#pending.push(text);
    this.#pendingBytes += text.length;
    if (this.#pendingBytes > highWater && !this.#paused) {
      this.#paused = true;
      for (const source of this.#sources) source.pause();
    }
    this.#writing ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // One turn later, so that what comes in the same tick is one write.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const bytes = Buffer.from(this.#pending.join(''), 'latin1');
      this.#pending = [];
      this.#pendingBytes = 0;
      try {
        await this.#write(bytes);
      } catch (error) {
        this.#failed = toError(error);
      }
      if (this.#paused) {
        this.#paused = false;
        for (const source of this.#sources) source.resume();
      }
    }
    this.#writing = undefined;
  }

  /** Whole lines only, so that the rotated part never ends within one. */
  async #write(bytes: Buffer): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      let room = this.#half - this.#fileBytes;
      if (room < bytes.length - at) {
        room = bytes.lastIndexOf(10, at + Math.max(0, room - 1)) + 1 - at;
        if (room <= 0 && this.#fileBytes > 0) {
          await this.#rotate();
          continue;
        }
        if (room <= 0) room = bytes.indexOf(10, at) + 1 - at;
      }
      const end = Math.min(bytes.length, at + room);
      await this.#file?.appendFile(bytes.subarray(at, end));
      this.#fileBytes += end - at;
      at = end;
    }
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rename(this.#path, `${this.#path}.1`);
    await this.open();
  }
}
