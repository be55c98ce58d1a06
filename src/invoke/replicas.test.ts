import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../base/authority.ts';
import { silentLog } from '../base/log.ts';
import { httpActivator } from './activator-http.ts';
import type { ActivateRequest } from './projection.ts';
import { watchProjection } from './projection-client.ts';
import { Replicas } from './replicas.ts';

const name = 'controllers.test';
const ca = makeAuthority();
const tls = makeServerCertificate(ca.key, [name]);
const stop: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of stop.splice(0).toReversed()) await each();
});

interface Controller {
  readonly server: Server;
  readonly ip: string;
  readonly asked: string[];
  /** `busy`: takes its time with activations; `stopped`: as after SIGSTOP, connections stay open. */
  state: 'well' | 'busy' | 'stopped';
  close(): Promise<void>;
}

/** A controller: answers activations with its own address, and a projection that stays open. Shows the certificate of `name`. */
async function controller(ip: string, port: number, certificate = tls): Promise<Controller> {
  const asked: string[] = [];
  const server = createServer(certificate, (request, response) => {
    if (self.state === 'stopped' || (self.state === 'busy' && request.url === '/v1/activate')) return;
    asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${request.headers.host}`);
    if (request.url === '/v1/projection') response.write(`{"op":"synced"}\n`);
    else response.end(JSON.stringify({ instance: { id: ip } }));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, ip, resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  stop.push(close);
  const self: Controller = { server, ip, asked, state: 'well', close };
  return self;
}

async function two(): Promise<{ a: Controller; b: Controller; replicas: Replicas; found: Set<string> }> {
  const a = await controller('127.0.0.1', 0);
  const { port } = a.server.address() as AddressInfo;
  const b = await controller('127.0.0.2', port);
  const found = new Set([a.ip, b.ip]);
  const replicas = new Replicas({
    address: `https://${name}:${port}`,
    credentials: async () => ({ token: 'secret', ca: ca.cert }),
    resolve: async () => [...found],
    log: silentLog,
  });
  stop.push(() => replicas.close());
  return { a, b, replicas, found };
}

const ask = (revisionUid: string): ActivateRequest => ({ revisionUid, namespace: 'default', revision: 'f-00001', known: [] });
const activateAt = async (replicas: Replicas, uid: string): Promise<string> =>
  (await httpActivator(replicas).activate(ask(uid), AbortSignal.timeout(10_000), () => {})).id;

test('revisions are spread over the replicas of a name, each always to the same one, with the token', async () => {
  const { a, b, replicas } = await two();
  const uids = Array.from({ length: 24 }, (_, n) => `revision-${n}`);
  const first = await Promise.all(uids.map((uid) => activateAt(replicas, uid)));
  expect(new Set(first)).toEqual(new Set([a.ip, b.ip]));
  expect(await Promise.all(uids.map((uid) => activateAt(replicas, uid)))).toEqual(first);
  const { port } = a.server.address() as AddressInfo;
  expect(new Set(a.asked)).toEqual(new Set([`POST /v1/activate Bearer secret ${name}:${port}`]));
});

test('the next one is asked when a replica is gone, and the resolver’s new ones are found', async () => {
  const { a, b, replicas, found } = await two();
  await a.close();
  for (let n = 0; n < 8; n += 1) expect(await activateAt(replicas, `revision-${n}`)).toBe(b.ip);
  found.delete(a.ip);
  const c = await controller('127.0.0.3', (b.server.address() as AddressInfo).port);
  found.add(c.ip).delete(b.ip);
  await b.close();
  // It fails until the name has been looked up again, which its failure asks for.
  await expect.poll(() => activateAt(replicas, 'revision-1').catch(() => undefined)).toBe(c.ip);
});

test('one that is stopped is left for the next, one that takes its time is not', async () => {
  const { a, b, replicas } = await two();
  const uids = Array.from({ length: 24 }, (_, n) => `revision-${n}`);
  const first = await Promise.all(uids.map((uid) => activateAt(replicas, uid)));
  const asksFirst = ({ ip }: Controller): string => uids[first.indexOf(ip)] ?? '';
  b.state = 'busy';
  const patient = httpActivator(replicas).activate(ask(asksFirst(b)), AbortSignal.timeout(4000), () => {});
  await expect(patient).rejects.toMatchObject({ code: 'Unavailable' });
  b.state = 'well';
  a.state = 'stopped';
  expect(await activateAt(replicas, asksFirst(a))).toBe(b.ip);
});

test('one whose certificate is not of the CA for that name is not believed', async () => {
  const other = await controller('127.0.0.1', 0, makeServerCertificate(ca.key, ['another.test']));
  const { port } = other.server.address() as AddressInfo;
  const replicas = new Replicas({
    address: `https://${name}:${port}`,
    credentials: async () => ({ token: 'secret', ca: ca.cert }),
    resolve: async () => [other.ip],
    log: silentLog,
  });
  stop.push(() => replicas.close());
  await expect(activateAt(replicas, 'revision-1')).rejects.toMatchObject({ code: 'Unavailable' });
  expect(other.asked).toEqual([]);
});

test('the projection goes on at another replica when its own breaks', async () => {
  const { a, b, replicas } = await two();
  const watch = watchProjection({ replicas, log: silentLog, targets: [] });
  stop.push(() => watch.close());
  await watch.synced;
  const [mine, other] = a.asked.length > 0 ? [a, b] : [b, a];
  expect(other.asked).toEqual([]);
  await mine.close();
  await expect.poll(() => other.asked.length).toBe(1);
});

test('without any answer of the resolver it says so; an address that is none is refused', async () => {
  const credentials = async () => ({ token: 'secret', ca: ca.cert });
  const resolve = () => Promise.reject(new Error('ENOTFOUND'));
  const replicas = new Replicas({ address: `https://${name}:1`, credentials, resolve, log: silentLog });
  await expect(activateAt(replicas, 'revision-1')).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringContaining('ENOTFOUND'),
  });
  expect(() => new Replicas({ address: 'https://', credentials, log: silentLog })).toThrow('is no address of the platform API');
});
