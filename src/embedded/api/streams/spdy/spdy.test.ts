import { once } from 'node:events';
import { constants, createDeflate, deflateSync, inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { dictionary } from './dictionary.ts';
import { controlFrame, dataFrame, FrameReader, frameType, SpdyError } from './frames.ts';
import type { Frame } from './frames.ts';
import { EmptyHeaders } from './headers.ts';
import { SpdySession } from './session.ts';
import type { SpdyStream } from './session.ts';

/** What kubectl sent to a real server for its first connection: error stream, its end, data stream. */
const recorded = {
  errorStream:
    '800300010000003e00000001000000000000' +
    '78f9e3c6a7c202253a48f95b044eea160616060c0c0c9c4590f8ca04a5634603704a2c294a4dcc851636aca9a0a800000000ffff',
  errorEnd: '0000000101000000',
  dataStream: '800300010000001a00000003000000000000826a26a418543225a25b02000000ffff',
};

function world(): { session: SpdySession; sent: Buffer[]; streams: SpdyStream[] } {
  const sent: Buffer[] = [];
  const streams: SpdyStream[] = [];
  const session = new SpdySession({
    send: (bytes, done) => {
      sent.push(bytes);
      done();
    },
    opened: (stream) => streams.push(stream),
  });
  return { session, sent, streams };
}

const framesOf = (bytes: readonly Buffer[]): Frame[] => [...new FrameReader().push(Buffer.concat(bytes))];
const synStream = (id: number, block: Buffer): Buffer => {
  const head = Buffer.alloc(10);
  head.writeUInt32BE(id);
  return controlFrame(frameType.synStream, head, block);
};

/** Header blocks as a client writes them: one deflate stream for all. */
function headerWriter(): (headers: Record<string, string>) => Promise<Buffer> {
  const deflate = createDeflate({ dictionary });
  let pieces: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => pieces.push(piece));
  return async (headers) => {
    const text = (value: string): Buffer[] => [Buffer.from(Uint32Array.of(value.length).buffer).swap32(), Buffer.from(value)];
    const entries = Object.entries(headers);
    const count = Buffer.from(Uint32Array.of(entries.length).buffer).swap32();
    pieces = [];
    deflate.write(Buffer.concat([count, ...entries.flatMap(([name, value]) => [...text(name), ...text(value)])]));
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    return Buffer.concat(pieces);
  };
}

it('has the dictionary of the specification', () => {
  expect(dictionary).toHaveLength(1423);
  // A zlib stream names its dictionary by its checksum: this is the one that kubectl names.
  expect(deflateSync('x', { dictionary }).readUInt32BE(2)).toBe(0xe3c6a7c2);
});

it('reads what kubectl sends, however it is cut', async () => {
  const bytes = Buffer.from(Object.values(recorded).join(''), 'hex');
  for (const size of [1, 7, bytes.length]) {
    const { session, sent, streams } = world();
    for (let at = 0; at < bytes.length; at += size) await session.push(bytes.subarray(at, at + size));
    expect(streams.map(({ id, headers }) => [id, Object.fromEntries(headers)])).toEqual([
      [1, { port: '8080', requestid: '0', streamtype: 'error' }],
      [3, { port: '8080', requestid: '0', streamtype: 'data' }],
    ]);
    expect(framesOf(sent).map((frame) => frame.kind === 'control' && [frame.type, frame.body.readUInt32BE(0)])).toEqual([
      [frameType.synReply, 1],
      [frameType.synReply, 3],
    ]);
    streams[0]?.resume();
    await once(streams[0] as SpdyStream, 'end');
    session.close();
  }
});

it('answers with header blocks that every zlib reads', () => {
  const headers = new EmptyHeaders();
  const blocks = [headers.next(), headers.next()];
  const all = inflateSync(Buffer.concat(blocks), { finishFlush: constants.Z_SYNC_FLUSH, dictionary });
  expect(all).toEqual(Buffer.alloc(8));
});

it('carries data both ways, to the end of each', async () => {
  const { session, sent, streams } = world();
  const block = headerWriter();
  await session.push(synStream(1, await block({ port: '1' })));
  const [stream] = streams as [SpdyStream];
  let heard = '';
  stream.on('data', (data: Buffer) => (heard += data.toString()));
  const ended = once(stream, 'end');
  await session.push(Buffer.concat([dataFrame(1, Buffer.from('hello '), false), dataFrame(1, Buffer.from('you'), true)]));
  await ended;
  expect(heard).toBe('hello you');
  stream.write('and ');
  stream.end('me');
  await once(stream, 'close');
  const data = framesOf(sent).filter((frame) => frame.kind === 'data');
  expect(data.map(({ id, fin, data }) => [id, data.toString(), fin])).toEqual([
    [1, 'and ', false],
    [1, 'me', false],
    [1, '', true],
  ]);
  // Both ends are closed: it is forgotten.
  await session.push(dataFrame(1, Buffer.from('late'), false));
  expect(framesOf(sent).at(-1)).toMatchObject({ kind: 'control', type: frameType.rstStream });
  session.close();
});

it('answers pings, resets streams, holds the client up for a slow reader', async () => {
  const { session, sent, streams } = world();
  const block = headerWriter();
  await session.push(controlFrame(frameType.ping, 77));
  expect(framesOf(sent)).toMatchObject([{ type: frameType.ping }]);
  await session.push(synStream(1, await block({})));
  await session.push(synStream(3, await block({})));
  const [first, second] = streams as [SpdyStream, SpdyStream];
  await session.push(controlFrame(frameType.rstStream, 1, 5));
  expect(first.destroyed).toBe(true);
  let taken = false;
  const push = session.push(dataFrame(3, Buffer.alloc(200_000), false)).then(() => (taken = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBe(false);
  second.resume();
  await push;
  second.destroy();
  expect(framesOf(sent).at(-1)).toMatchObject({ type: frameType.rstStream });
  session.close();
});

it('refuses what is not SPDY/3, too large, or grows without bound', async () => {
  const refused = async (bytes: Buffer, ...before: Buffer[]): Promise<void> => {
    const { session } = world();
    for (const piece of before) await session.push(piece);
    await expect(session.push(bytes)).rejects.toThrow(SpdyError);
    session.close();
  };
  await refused(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await refused(Buffer.from('8002000100000000', 'hex'));
  await refused(Buffer.from('8003000100ffffff', 'hex'));
  await refused(controlFrame(frameType.synStream, 1));
  await refused(synStream(1, Buffer.from('no zlib')));
  await refused(synStream(2, await headerWriter()({})));
  await refused(synStream(1, deflateSync(Buffer.alloc(10_000_000), { dictionary })));
  const block = headerWriter();
  await refused(synStream(1, await block({ a: 'b' })), synStream(3, await headerWriter()({})));
});
