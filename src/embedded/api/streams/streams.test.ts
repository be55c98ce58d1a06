import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { KubeObject } from '../../../resources/object.ts';
import { pods } from '../../../resources/resources.ts';
import { openEmbeddedApi } from '../index.ts';
import type { EmbeddedApi } from '../index.ts';
import type { PodExec } from '../pod-access.ts';

let folder: string;
let api: EmbeddedApi;
/** What a program in the pod would do; each test sets its own. */
let program: (request: PodExec) => Promise<number>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-'));
  api = await openEmbeddedApi({
    data: folder,
    podAccess: {
      async *log() {},
      streams: {
        exec: (_pod, request) => program(request),
        attach: () => Promise.resolve(),
        connect: () => Promise.reject(new Error('nothing listens')),
      },
    },
  });
  const create = (name: string, containers: readonly string[], nodeName: string): Promise<KubeObject> =>
    api.client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'default', name },
      spec: { nodeName, containers: containers.map((container) => ({ name: container, image: 'host' })) },
    } as KubeObject);
  await create('one', ['main'], 'here');
  await create('two', ['a', 'b'], 'here');
  await create('waiting', ['main'], '');
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

const pathOf = (what: string): string => `/api/v1/namespaces/default/pods/${what}`;
const open = (what: string, protocol: string | string[] = 'v5.channel.k8s.io', token = api.token): WebSocket =>
  new WebSocket(`${api.url.replace('https', 'wss')}${pathOf(what)}`, protocol, {
    ca: api.ca,
    headers: { authorization: `Bearer ${token}` },
  });

/** All messages as `channel:text`, to the end. */
async function conversation(socket: WebSocket, ...messages: readonly (readonly [number, string | Buffer])[]): Promise<string[]> {
  const got: string[] = [];
  socket.on('message', (data: Buffer) => got.push(`${data[0]}:${data.subarray(1).toString()}`));
  socket.on('open', () => {
    for (const [channel, text] of messages) socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
  });
  const [code] = (await once(socket, 'close')) as [number];
  return [...got, `closed ${code}`];
}

/** Status code and message of a refused upgrade. */
async function refusal(socket: WebSocket): Promise<string> {
  socket.on('error', () => {});
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, AsyncIterable<Buffer> & { statusCode: number }];
  const body = Buffer.concat(await Array.fromAsync(response)).toString();
  return `${response.statusCode} ${(JSON.parse(body) as { message: string }).message}`;
}

async function plain(method: string, what: string, headers: Record<string, string> = {}): Promise<string> {
  const request = httpsRequest(`${api.url}${pathOf(what)}`, {
    method,
    ca: api.ca,
    agent: false,
    headers: { authorization: `Bearer ${api.token}`, ...headers },
  });
  const answered = once(request, 'response');
  request.end();
  const [response] = (await answered) as [AsyncIterable<Buffer> & { statusCode: number }];
  const body = Buffer.concat(await Array.fromAsync(response)).toString();
  return `${response.statusCode} ${(JSON.parse(body) as { message: string }).message}`;
}

const success = '3:{"metadata":{},"status":"Success"}';

it('passes channels on, both ways, and tells how the program ended', async () => {
  program = async ({ stdin, stdout, stderr, container, command, tty }) => {
    stderr?.write(JSON.stringify({ container, command, tty }));
    for await (const chunk of stdin ?? []) stdout?.write(`<${String(chunk)}>`);
    return 3;
  };
  const socket = open('one/exec?command=a&command=b%20c&stdin=true&stdout=true&stderr=true');
  expect(await conversation(socket, [0, 'x'], [0, ''], [255, Buffer.from([0])])).toEqual([
    '2:{"container":"main","command":["a","b c"],"tty":false}',
    '1:<x>',
    '3:{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}',
    'closed 1000',
  ]);
});

it('speaks v4 and v5, and prefers v5', async () => {
  program = () => Promise.resolve(0);
  const four = open('one/exec?command=a&stdout=true', 'v4.channel.k8s.io');
  expect(await conversation(four)).toEqual([success, 'closed 1000']);
  expect(four.protocol).toBe('v4.channel.k8s.io');
  const both = open('one/exec?command=a&stdout=true', ['v4.channel.k8s.io', 'v5.channel.k8s.io']);
  expect(await conversation(both)).toEqual([success, 'closed 1000']);
  expect(both.protocol).toBe('v5.channel.k8s.io');
});

it('keeps the newest size of the terminal, and leaves stderr out where there is one', async () => {
  program = async ({ sizes, stdout, stderr, stdin }) => {
    stdin?.resume();
    for await (const { columns, rows } of sizes) {
      stdout?.write(`${columns}x${rows} ${stderr === undefined}`);
      if (columns === 2) return 0;
    }
    return 1;
  };
  const socket = open('one/exec?command=a&stdin=true&stdout=true&stderr=true&tty=true');
  const said = await conversation(socket, [4, 'no json'], [4, '{"Width":-1,"Height":3}'], [4, '{"Width":2,"Height":3}\n']);
  expect(said).toEqual(['1:2x3 true', success, 'closed 1000']);
});

it('stops a client whose input nobody reads, and goes on when somebody does', async () => {
  const total = 8 << 20;
  const piece = Buffer.alloc(64 << 10);
  let held: Promise<unknown> = Promise.resolve();
  program = async ({ stdin, stdout }) => {
    await held;
    let size = 0;
    for await (const chunk of stdin ?? []) size += (chunk as Buffer).length;
    stdout?.write(String(size));
    return 0;
  };
  const socket = open('one/exec?command=a&stdin=true&stdout=true');
  const release = Promise.withResolvers<void>();
  held = release.promise;
  const messages = Array.from({ length: total / piece.length }, () => [0, piece] as const);
  const talk = conversation(socket, ...messages, [255, Buffer.from([0])]);
  await once(socket, 'open');
  // The kernel's buffers take some; the rest stays with the client.
  let before = -1;
  while (socket.bufferedAmount !== before) {
    before = socket.bufferedAmount;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(before).toBeGreaterThan(total / 8);
  release.resolve();
  expect(await talk).toEqual([`1:${total}`, success, 'closed 1000']);
});

it('tells the program when the client has gone', async () => {
  const gone = Promise.withResolvers<string>();
  program = async ({ signal, stdin }) => {
    stdin?.resume();
    await once(signal, 'abort');
    gone.resolve('gone');
    return 137;
  };
  const socket = open('one/exec?command=a&stdin=true&stdout=true');
  await once(socket, 'open');
  socket.terminate();
  expect(await gone.promise).toBe('gone');
});

it('refuses before the upgrade what cannot be', async () => {
  expect(await refusal(open('none/exec?command=a&stdout=true'))).toBe('404 pods "none" not found');
  expect(await refusal(open('two/exec?command=a&stdout=true'))).toBe(
    '400 a container name must be specified for pod two, choose one of: [a b]',
  );
  expect(await refusal(open('two/exec?command=a&stdout=true&container=c'))).toBe('400 container c is not valid for pod two');
  expect(await refusal(open('waiting/exec?command=a&stdout=true'))).toBe('400 pod waiting does not have a host assigned');
  expect(await refusal(open('one/exec?command=a'))).toBe('400 you must specify at least 1 of stdin, stdout, stderr');
  expect(await refusal(open('one/exec?command=a&stdout=true', 'v5.channel.k8s.io', 'wrong'))).toBe('401 Unauthorized');
  expect(await refusal(open('one'))).toMatch(/^400 /);
  expect(await refusal(open('one/exec?command=a&stdout=true', 'other'))).toMatch(/^400 .*"other".*v5\.channel\.k8s\.io/);
});

it('answers a plain request with what is missing, and SPDY with what to do', async () => {
  const exec = 'one/exec?command=a&stdout=true';
  expect(await plain('GET', exec)).toBe('400 Upgrade request required');
  expect(await plain('POST', exec)).toBe('400 Upgrade request required');
  expect(await plain('PUT', exec)).toBe('405 the server does not allow this method on the requested resource');
  const spdy = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
  for (const what of [exec, 'one/attach?stdout=true', 'one/portforward'])
    expect(await plain('POST', what, spdy)).toMatch(/^400 .*WebSocket.*not SPDY.*kubectl 1\.31 or newer/);
  expect(await plain('POST', 'none/exec?command=a&stdout=true', spdy)).toBe('404 pods "none" not found');
});
