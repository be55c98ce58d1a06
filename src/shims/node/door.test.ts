/** Who gets past the door: real sockets, an instance that is as far as the test says. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeHeader } from '../../wire/frames.ts';
import { FrameType, HEADER_BYTES, MAX_HELLO } from '../../wire/protocol.ts';
import { generateSigningKey, signHello } from '../../wire/seal.ts';
import { doorOf, type Role } from './door.ts';
import { Instance } from './instance.ts';
import { claim } from './testing/pod.ts';

const platform = generateSigningKey();
/** Long enough for whoever is expected to come in, and never waited for. */
const ages = { patience: 60_000, claimWait: 60_000 };

let folder: string;
let server: Server;
let instance: Instance;
let door: (socket: Socket) => void;
const inside: { role: Role; socket: Socket; read: Buffer[] }[] = [];
const outside: Socket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsumugi-door-'));
  instance = new Instance({ pod: 'pod-1', listen: '', publicKey: platform.publicKey });
  door = doorOf(instance, admit, ages);
  server = createServer((socket) => door(socket));
  server.listen(join(folder, 's'));
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of [...outside.splice(0), ...inside.splice(0).map((one) => one.socket)]) socket.destroy();
  server.close();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
});

const admit = (role: Role, socket: Socket): void => {
  const read: Buffer[] = [];
  inside.push({ role, socket: socket.on('data', (chunk: Buffer) => read.push(chunk)), read });
};

function frame(payload: string | Uint8Array, type: number = FrameType.HELLO): Buffer {
  const bytes = Buffer.from(payload as Uint8Array);
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, 0, bytes.length, type, 0, 0);
  return Buffer.concat([header, bytes]);
}

/** What somebody hears who sends this. */
function knock(...pieces: Uint8Array[]) {
  const socket = connect(join(folder, 's'));
  outside.push(socket);
  let heard = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk]))).on('error', () => {});
  for (const piece of pieces) socket.write(piece);
  return { socket, closed: once(socket, 'close').then(() => heard.toString()) };
}

const gateway = (token: string): Buffer => frame(JSON.stringify({ token }));
const activator = (pod = 'pod-1', key = platform): Buffer => frame(signHello(pod, key));
const came = (): Role[] => inside.map(({ role }) => role);
const load = (): void => {
  instance.loaded = { exports: [], respond: () => ({ status: 204, fields: [], body: undefined }), named: () => undefined };
};

describe('is shut without a word', () => {
  const strangers: [who: string, ...pieces: Uint8Array[]][] = [
    ['nobody in particular', frame('{}')],
    ['another pod’s activator', activator('pod-2')],
    ["another platform's activator", activator('pod-1', generateSigningKey())],
    ['a signature that is none', frame('{"signature":"AAAA"}')],
    ['a HELLO that is no JSON', frame('{"token')],
    ['a HELLO that is no object', frame('null')],
    ['another frame', frame('', FrameType.PING)],
    ['garbage', Buffer.from('GET / HTTP/1.1\r\nhost: pod\r\n\r\n')],
    ['another version', Buffer.concat([frame('{}').fill(99, 4, 5), frame('{}')])],
    ['a HELLO that will be too long', frame(new Uint8Array(MAX_HELLO - HEADER_BYTES + 1)).subarray(0, HEADER_BYTES)],
  ];
  for (const [who, ...pieces] of strangers) {
    test(`for ${who}`, async () => {
      expect(await knock(...pieces).closed).toBe('');
      expect(came()).toEqual([]);
    });
  }

  test('for a wrong token, as soon as there is a right one, and for any once the code cannot be loaded', async () => {
    const early = knock(gateway('wrong'));
    await expect.poll(() => serverConnections()).toBe(1);
    instance.claim = claim('pod-1', { token: 'right' });
    expect(await knock(gateway('also wrong')).closed).toBe('');
    instance.failed = true;
    expect(await knock(gateway('right')).closed).toBe('');
    early.socket.destroy();
    await early.closed;
    expect(came()).toEqual([]);
  });

  test('for an empty token, whatever the claim says', async () => {
    instance.claim = claim('pod-1', { token: '' });
    load();
    expect(await knock(gateway('')).closed).toBe('');
  });

  test('for whoever says nothing, or not all of it, or comes for a claim that does not come', async () => {
    door = doorOf(instance, admit, { patience: 30, claimWait: 30 });
    const all = [knock(), knock(activator().subarray(0, 20)), knock(gateway('early'))];
    expect(await Promise.all(all.map(({ closed }) => closed))).toEqual(['', '', '']);
    expect(came()).toEqual([]);
  });
});

test('in a crowd of unknown the oldest has to go; who is known stays', async () => {
  door = doorOf(instance, admit, { ...ages, crowd: 3 });
  instance.claim = claim('pod-1', { token: 'right' });
  // Its code is still being loaded.
  const known = knock(gateway('right'));
  await expect.poll(serverConnections).toBe(1);
  const silent: ReturnType<typeof knock>[] = [];
  for (let n = 2; n <= 4; n++) {
    silent.push(knock());
    await expect.poll(serverConnections).toBe(n);
  }
  knock(activator());
  await expect.poll(came).toEqual(['activator']);
  await silent[0]!.closed;
  // One has come in, so there is room for one.
  silent.push(knock());
  await expect.poll(serverConnections).toBe(5);
  silent.push(knock());
  await silent[1]!.closed;
  await expect.poll(serverConnections).toBe(5);
  expect([known, ...silent].map(({ socket }) => socket.closed)).toEqual([false, true, true, false, false, false]);
});

describe('opens', () => {
  test("for the platform's activator, in whatever pieces it comes", async () => {
    const { socket } = knock();
    for (const byte of activator()) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(came).toEqual(['activator']);
  });

  test('for a gateway with the token; what it has sent behind HELLO is still to be read', async () => {
    instance.claim = claim('pod-1', { token: 'right' });
    load();
    const more = frame(Buffer.alloc(200_000, 'x'), FrameType.REQUEST);
    knock(gateway('right'), more);
    await expect.poll(came).toEqual(['gateway']);
    await expect.poll(() => Buffer.concat(inside[0]!.read).length).toBe(more.length);
    expect(Buffer.concat(inside[0]!.read).equals(more)).toBe(true);
  });
});

const serverConnections = (): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
