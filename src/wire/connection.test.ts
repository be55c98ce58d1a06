import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { FrameConnection, type FrameHandler } from './connection.ts';
import { decodeAbort, encodeAbort, FrameDecoder, ProtocolError, readHead, writeHeader } from './frames.ts';
import { Flag, FrameType, HEADER_BYTES, MAX_FRAME, VERSION } from './protocol.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

const frameOf = fc.record<Frame>({
  type: fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constant(FrameType.DATA)),
  flags: fc.integer({ min: 0, max: 255 }),
  stream: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function bytesOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.map(({ type, flags, stream, payload }) => {
      const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
      writeHeader(bytes, 0, payload.length, type, flags, stream);
      bytes.set(payload, HEADER_BYTES);
      return bytes;
    }),
  );
}

function decode(chunks: Iterable<Buffer>): Frame[] {
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk, (type, flags, stream, buffer, start, end) => {
      frames.push({ type, flags, stream, payload: new Uint8Array(buffer.subarray(start, end)) });
      return true;
    });
  }
  return frames;
}

/** DATA may be told in parts; all else as it was sent. */
function whole(frames: readonly Frame[]): Frame[] {
  const merged: Frame[] = [];
  let open: Frame | undefined;
  for (const frame of frames) {
    if (frame.type !== FrameType.DATA) merged.push(frame);
    else if (open) open = { ...frame, payload: new Uint8Array([...open.payload, ...frame.payload]) };
    else open = frame;
    if (open && (frame.flags & Flag.END) !== 0) {
      merged.push(open);
      open = undefined;
    }
  }
  return merged;
}

function* cut(bytes: Buffer, sizes: readonly number[]): Iterable<Buffer> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, (at += size));
    if (at >= bytes.length) return;
  }
  yield bytes.subarray(at);
}

test('frames come out as they went in, however the bytes were chunked', () => {
  fc.assert(
    fc.property(fc.array(frameOf, { maxLength: 12 }), fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 60 }), (frames, sizes) => {
      // With END on each, parts can be told from frames.
      const sent = frames.map((frame) => ({ ...frame, flags: frame.type === FrameType.DATA ? frame.flags | Flag.END : frame.flags }));
      expect(whole(decode(cut(bytesOf(sent), sizes)))).toEqual(sent);
    }),
  );
});

test('garbage is either frames or a ProtocolError, never another exception, and holds no more than one frame', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (chunks) => {
      const decoder = new FrameDecoder();
      try {
        for (const chunk of chunks) decoder.push(Buffer.from(chunk), () => true);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
      expect(decoder.held).toBeLessThanOrEqual(MAX_FRAME + HEADER_BYTES);
    }),
  );
});

test('an oversized frame is refused at its header; a SPECIALIZE may be larger', () => {
  const header = (type: number, length: number): Buffer => {
    const bytes = Buffer.alloc(HEADER_BYTES);
    writeHeader(bytes, 0, length, type, 0, 1);
    return bytes;
  };
  expect(() => decode([header(FrameType.DATA, MAX_FRAME + 1)])).toThrow(ProtocolError);
  expect(decode([header(FrameType.SPECIALIZE, MAX_FRAME + 1)])).toEqual([]);
});

test('a head longer than its frame is refused, an ABORT of anything is read', () => {
  expect(() => readHead(Buffer.from([0, 0, 0, 9, 65]), 0, 5)).toThrow(ProtocolError);
  expect(() => readHead(Buffer.from([0, 0]), 0, 2)).toThrow(ProtocolError);
  expect(readHead(Buffer.from([0, 0, 0, 1, 0xe9, 66]), 0, 6)).toEqual({ head: 'é', bodyStart: 5 });
  const abort = { code: 'HandlerError', message: 'no – 紬', stack: 'at x' };
  const bytes = encodeAbort(abort);
  expect(decodeAbort(bytes, 0, bytes.length)).toEqual(abort);
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeAbort(Buffer.from(bytes), 0, bytes.length).code).not.toBe('');
    }),
  );
});

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Two ends of a unix socket; `left` speaks frames, `right` is given as it is. */
async function socketPair(): Promise<[Socket, Socket]> {
  const folder = mkdtempSync(join(tmpdir(), 'wire-'));
  folders.push(folder);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
  const left = connect(join(folder, 's'));
  const right = await new Promise<Socket>((resolve) => server.once('connection', resolve));
  server.close();
  return [left, right];
}

function recorder(): FrameHandler & { frames: Frame[]; chunks: number; done: Promise<Error | undefined> } {
  let resolve!: (error?: Error) => void;
  const done = new Promise<Error | undefined>((r) => (resolve = r));
  const frames: Frame[] = [];
  const self = {
    frames,
    chunks: 0,
    done,
    frame(type: number, flags: number, stream: number, buffer: Buffer, start: number, end: number) {
      frames.push({ type, flags, stream, payload: new Uint8Array(buffer.subarray(start, end)) });
    },
    chunk() {
      self.chunks++;
    },
    closed: (error?: Error) => resolve(error),
  };
  return self;
}

test('a connection carries heads, numbers, small and large payloads in order', async () => {
  const [a, b] = await socketPair();
  const seen = recorder();
  const left = new FrameConnection(a, recorder());
  const right = new FrameConnection(b, seen);
  const large = Buffer.alloc(300_000, 7);
  const expected: Frame[] = [];
  for (let stream = 1; stream <= 40; stream++) {
    left.sendHead(FrameType.REQUEST, 0, stream, 'GET\0/é', stream % 2 ? undefined : large);
    left.send(FrameType.DATA, 0, stream, large.subarray(0, stream * 1000));
    left.sendNumber(FrameType.CREDIT, stream, 0x80000000 + stream);
    left.send(FrameType.DATA, Flag.END, stream);
    if (stream === 20) left.flushNow();
    const body = stream % 2 ? Buffer.alloc(0) : large;
    expected.push(
      {
        type: FrameType.REQUEST,
        flags: 0,
        stream,
        payload: new Uint8Array(Buffer.concat([Buffer.from([0, 0, 0, 6]), Buffer.from('GET\0/é', 'latin1'), body])),
      },
      { type: FrameType.CREDIT, flags: 0, stream, payload: new Uint8Array([0x80, 0, 0, stream]) },
      { type: FrameType.DATA, flags: Flag.END, stream, payload: new Uint8Array(large.subarray(0, stream * 1000)) },
    );
  }
  left.end();
  expect(await seen.done).toBeUndefined();
  const got = whole(seen.frames);
  expect(got.length).toBe(expected.length);
  // Compared one by one: a diff of megabytes helps nobody.
  expect(got.every((frame, i) => Buffer.from(frame.payload).equals(expected[i]!.payload) && frame.type === expected[i]!.type)).toBe(true);
  expect(seen.chunks).toBeLessThan(seen.frames.length);
  expect(right.open).toBe(false);
});

test('send asks for a pause when the peer does not read, and tells when it has', async () => {
  const [a, b] = await socketPair();
  let drained!: () => void;
  const drain = new Promise<void>((resolve) => (drained = resolve));
  const left = new FrameConnection(a, { ...recorder(), drained: () => drained() });
  const chunk = Buffer.alloc(60_000);
  let sent = 0;
  while (left.send(FrameType.DATA, 0, 1, chunk)) {
    if (++sent % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toBeLessThan(1000);
  }
  const seen = recorder();
  const right = new FrameConnection(b, seen);
  await drain;
  left.end();
  expect(await seen.done).toBeUndefined();
  expect(seen.frames.reduce((sum, frame) => sum + frame.payload.length, 0)).toBe((sent + 1) * chunk.length);
  expect(right.open).toBe(false);
});

test('another version is answered with GOAWAY version; an error in the handler ends only the connection', async () => {
  const [a, b] = await socketPair();
  const served = recorder();
  const right = new FrameConnection(b, served);
  const seen = recorder();
  const left = new FrameConnection(a, seen);
  a.write(Buffer.from([0, 0, 0, 0, VERSION + 1, 1, 0, 0, 0, 0, 0, 0]));
  expect(await served.done).toBeInstanceOf(ProtocolError);
  await seen.done;
  expect(seen.frames).toEqual([{ type: FrameType.GOAWAY, flags: 0, stream: 0, payload: new Uint8Array(Buffer.from('version')) }]);
  expect([left.open, right.open]).toEqual([false, false]);

  const [c, d] = await socketPair();
  let closedWith: Error | undefined;
  const closed = new Promise<void>((resolve) => {
    void new FrameConnection(d, {
      frame: () => {
        throw new SyntaxError('not JSON');
      },
      closed: (error) => {
        closedWith = error;
        resolve();
      },
    });
  });
  const client = new FrameConnection(c, recorder());
  client.send(FrameType.HELLO, 0, 0, Buffer.from('{'));
  await closed;
  expect(closedWith).toBeInstanceOf(SyntaxError);
  client.destroy();
});
