/**
 * The body of a Request or Response, kept as what it was made from (text, bytes, a blob, frames, an async iterable) until somebody
 * really asks for a stream. Reading text that was made from text costs nothing; no ReadableStream is made for it.
 */
import { Readable } from 'node:stream';
import { nodeResponse } from './foreign.ts';
import { encodeFormData } from './multipart.ts';
import { tagOf, usvString } from './webidl.ts';

/** Bytes that come piece by piece. */
export interface PieceReader {
  /** The next piece, undefined at the end; rejects when the sender gave up. One call at a time. */
  read(): Promise<Uint8Array | undefined>;
  /** Nobody reads on: the sender may stop. */
  cancel(reason: unknown): void;
}

/** Bytes that come from outside. */
export interface ByteSource extends PieceReader {
  /** The whole rest when it is here already; then the source is used up. */
  takeNow(): Uint8Array | undefined;
}

type Source =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'blob'; readonly blob: Blob }
  | { readonly kind: 'frames'; readonly frames: ByteSource }
  | { readonly kind: 'iterable'; readonly iterable: AsyncIterable<unknown> }
  | { readonly kind: 'stream' };

/** Bytes of one piece of a body stream; anything but bytes is the author's mistake. */
function pieceOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('Received non-Uint8Array chunk');
  return value;
}

const decoder = new TextDecoder();
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  if (bytes[0] !== 0xef && Buffer.isBuffer(bytes)) return bytes.toString('utf8');
  return decoder.decode(bytes);
}

export class Body {
  readonly source: Source;
  /** Bytes, if known. */
  readonly length: number | undefined;
  #stream: ReadableStream | undefined;
  #used = false;

  constructor(source: Source, stream?: ReadableStream, length?: number) {
    this.source = source;
    this.#stream = stream;
    this.length = length;
  }

  get used(): boolean {
    return this.#used || (this.#stream !== undefined && Readable.isDisturbed(this.#stream as never));
  }

  get unusable(): boolean {
    return this.used || (this.#stream?.locked ?? false);
  }

  /** Whether a replay of the same content is possible: made from a value, not from a stream. */
  get fromValue(): boolean {
    return this.source.kind === 'text' || this.source.kind === 'bytes' || this.source.kind === 'blob';
  }

  /** The standard's `body`. */
  get stream(): ReadableStream {
    if (this.#stream) return this.#stream;
    if (this.source.kind === 'blob') this.#stream = this.source.blob.stream();
    else this.#stream = streamOf(this.#used ? { kind: 'bytes', bytes: new Uint8Array() } : this.source);
    // Already read: its stream is what it would be after that, disturbed and locked.
    if (this.#used) void this.#stream.getReader().read();
    return this.#stream;
  }

  /** The whole body if it can be had without waiting, else undefined and nothing has happened. Marks it as used. */
  takeNow(): string | Uint8Array | undefined {
    if (this.#stream) return undefined;
    const { source } = this;
    if (source.kind === 'text' || source.kind === 'bytes') {
      this.#used = true;
      return source.kind === 'text' ? source.text : source.bytes;
    }
    if (source.kind !== 'frames') return undefined;
    const bytes = source.frames.takeNow();
    if (bytes) this.#used = true;
    return bytes;
  }

  /** All bytes. Marks it as used. */
  async takeAll(): Promise<Uint8Array> {
    const reader = this.reader();
    const pieces: Uint8Array[] = [];
    for (let piece = await reader.read(); piece; piece = await reader.read()) pieces.push(piece);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** Piece by piece. Marks it as used. */
  reader(): PieceReader {
    const now = this.takeNow();
    if (now !== undefined) return readOne(typeof now === 'string' ? Buffer.from(now) : now);
    if (!this.#stream && (this.source.kind === 'frames' || this.source.kind === 'iterable')) {
      this.#used = true;
      return this.source.kind === 'frames' ? this.source.frames : readIterable(this.source.iterable);
    }
    return readStream(this.stream);
  }

  /** A second body of the same content; both can be read. */
  clone(): Body {
    if (this.fromValue && !this.#stream) return new Body(this.source, undefined, this.length);
    const [mine, theirs] = this.stream.tee();
    this.#stream = mine;
    return new Body(this.source.kind === 'blob' ? { kind: 'stream' } : keepKind(this.source), theirs, this.length);
  }

  /** Hands the content to a new owner; this one counts as used. */
  transfer(): Body {
    if (this.#stream) {
      const through = new TransformStream();
      void this.#stream.pipeTo(through.writable).catch(() => {});
      return new Body({ kind: 'stream' }, through.readable, this.length);
    }
    this.#used = true;
    return new Body(this.source, undefined, this.length);
  }
}

/** A teed value keeps that it came from a value, so that it may be sent without `duplex`. */
function keepKind(source: Source): Source {
  return source.kind === 'text' || source.kind === 'bytes' ? source : { kind: 'stream' };
}

function readOne(bytes: Uint8Array): PieceReader {
  let rest: Uint8Array | undefined = bytes;
  return {
    async read() {
      const piece = rest;
      rest = undefined;
      return piece;
    },
    cancel() {
      rest = undefined;
    },
  };
}

/** Reads any body stream; a pending read does not hold up `cancel`. */
export function readStream(stream: ReadableStream): PieceReader {
  const reader = (stream as ReadableStream<unknown>).getReader();
  return {
    async read() {
      const step = await reader.read();
      return step.done ? undefined : pieceOf(step.value);
    },
    cancel(reason) {
      reader.cancel(reason).catch(() => {});
    },
  };
}

function readIterable(iterable: AsyncIterable<unknown>): PieceReader {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    async read() {
      const step = await iterator.next();
      return step.done ? undefined : iterablePiece(step.value);
    },
    cancel() {
      Promise.resolve(iterator.return?.()).catch(() => {});
    },
  };
}

/** undici takes strings in an async iterable as well. */
function iterablePiece(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(value as string);
}

function streamOf(source: Source): ReadableStream {
  if (source.kind === 'stream' || source.kind === 'blob') throw new TypeError('this body has a stream already');
  const pieces =
    source.kind === 'frames' ? source.frames : source.kind === 'iterable' ? readIterable(source.iterable) : readOne(bytesOf(source));
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      for (;;) {
        const piece = await pieces.read();
        if (piece === undefined) {
          controller.close();
          controller.byobRequest?.respond(0);
          return;
        }
        if (piece.length === 0) continue;
        // A copy: enqueue takes the memory away from whoever else has a view of it.
        controller.enqueue(new Uint8Array(piece));
        return;
      }
    },
    cancel(reason) {
      pieces.cancel(reason);
    },
  });
}

function bytesOf(
  source: { readonly kind: 'text'; readonly text: string } | { readonly kind: 'bytes'; readonly bytes: Uint8Array },
): Uint8Array {
  return source.kind === 'text' ? new TextEncoder().encode(source.text) : source.bytes;
}

/** The standard's "extract a body": the body and the content-type it implies. */
export function extractBody(value: unknown, keepalive = false): { body: Body; type: string | undefined } {
  if (typeof value === 'string') {
    const text = value.isWellFormed() ? value : value.toWellFormed();
    return { body: new Body({ kind: 'text', text }), type: 'text/plain;charset=UTF-8' };
  }
  if (typeof value === 'object' && value !== null) {
    if (value instanceof Uint8Array) return { body: bytesBody(value.slice()), type: undefined };
    if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
      return { body: bytesBody(new Uint8Array(value.slice(0))), type: undefined };
    if (ArrayBuffer.isView(value))
      return { body: bytesBody(new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()), type: undefined };
    const tag = tagOf(value);
    if (tag === 'ReadableStream' && value instanceof ReadableStream) {
      if (keepalive) throw new TypeError('keepalive');
      if (value.locked || Readable.isDisturbed(value as never))
        throw new TypeError('Response body object should not be disturbed or locked');
      return { body: new Body({ kind: 'stream' }, value), type: undefined };
    }
    if (typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function') {
      if (keepalive) throw new TypeError('keepalive');
      return { body: new Body({ kind: 'iterable', iterable: value as AsyncIterable<unknown> }), type: undefined };
    }
    if (value instanceof URLSearchParams) {
      return { body: new Body({ kind: 'text', text: value.toString() }), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
    }
    if ((tag === 'Blob' || tag === 'File') && value instanceof Blob) {
      return { body: new Body({ kind: 'blob', blob: value }, undefined, value.size), type: value.type || undefined };
    }
    if (tag === 'FormData' && value instanceof FormData) {
      const form = encodeFormData(value);
      return { body: new Body({ kind: 'blob', blob: form.blob }, undefined, form.blob.size), type: form.type };
    }
  }
  return extractBody(usvString(value, 'body'));
}

const bytesBody = (bytes: Uint8Array): Body => new Body({ kind: 'bytes', bytes }, undefined, bytes.length);

/** Throws, as the standard has it, when the body was read or is being read. */
function usable(body: Body | undefined): void {
  if (body?.unusable) throw new TypeError('Body is unusable: Body has already been read');
}

async function takeBytes(body: Body | undefined): Promise<Uint8Array> {
  usable(body);
  const now = body ? body.takeNow() : new Uint8Array();
  if (now === undefined) return body!.takeAll();
  return typeof now === 'string' ? Buffer.from(now) : now;
}

/** The six ways to read a body, shared by Request and Response. `type` is the content-type header. */
export const consume = {
  async text(body: Body | undefined): Promise<string> {
    usable(body);
    const now = body ? body.takeNow() : '';
    if (typeof now === 'string') return now.charCodeAt(0) === 0xfeff ? now.slice(1) : now;
    return decodeText(now ?? (await body!.takeAll()));
  },
  async json(body: Body | undefined): Promise<unknown> {
    return JSON.parse(await consume.text(body)) as unknown;
  },
  async bytes(body: Body | undefined): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await takeBytes(body));
  },
  async arrayBuffer(body: Body | undefined): Promise<ArrayBuffer> {
    return (await consume.bytes(body)).buffer;
  },
  async blob(body: Body | undefined, type: string | null): Promise<Blob> {
    const bytes = new Uint8Array(await takeBytes(body));
    // MIME types have their own grammar; Node's Response knows it.
    if (type !== null) return new (await nodeResponse())(bytes, { headers: { 'content-type': type } }).blob();
    return new Blob([bytes]);
  },
  async formData(body: Body | undefined, type: string | null): Promise<FormData> {
    const bytes = new Uint8Array(await takeBytes(body));
    return new (await nodeResponse())(bytes, { headers: type === null ? {} : { 'content-type': type } }).formData();
  },
};
