import { expect, test } from 'vitest';
import { FrameType, type Identity, type Tokens } from '../../wire/protocol.ts';
import { generateSigningKey, prepareSealing, sealSpecialize, sealTokens } from '../../wire/seal.ts';
import { claim, platform, type Pod } from './testing/pod.ts';
import { usePods } from './testing/pods.ts';

const newPod = usePods();

const source = `export default async (request, context) => {
  const identity = globalThis[Symbol.for('tsumugi.identity')];
  return Response.json({
    credentials: await context.credentials().catch((error) => error.code),
    tokens: identity && ['gateway', 'platform', 'kubernetes'].map((of) => identity.token(of) ?? null),
    store: await context.store.get('k').catch((error) => error.code),
    where: identity && [identity.namespace, identity.gateway, identity.platform.url, identity.kubernetes.ca],
  });
};`;

const tokens = (n: number): Tokens => ({ issuedAt: n, platform: `p${n}`, gateway: `g${n}`, ...(n > 1 && { kubernetes: `k${n}` }) });
const identity = (n: number): Identity => ({
  // Nobody listens there.
  platform: { url: 'https://127.0.0.1:1' },
  kubernetes: { url: 'https://127.0.0.1:2', ca: 'PEM' },
  tokens: tokens(n),
});

async function start(own?: Identity): Promise<{
  pod: Pod;
  ask: () => Promise<Record<string, unknown>>;
  key: string;
  activator: Awaited<ReturnType<Pod['connect']>>['client'];
}> {
  const pod = await newPod();
  const { client, activator } = await pod.specialize(source, own ? { identity: own } : {});
  const { welcome } = await pod.connect();
  const ask = async (): Promise<Record<string, unknown>> => JSON.parse(await client.text()) as Record<string, unknown>;
  return { pod, ask, key: welcome.key, activator };
}

test('code without an identity has none, and its store says what is missing', async () => {
  const { ask } = await start();
  expect(await ask()).toEqual({ credentials: 'Forbidden', store: 'Forbidden' });
});

test('code has the tokens that its pod was sent, each for one listener', async () => {
  const { ask } = await start(identity(1));
  expect(await ask()).toEqual({
    credentials: { authorization: 'Bearer g1' },
    tokens: ['g1', 'p1', null],
    store: 'Unavailable',
    where: ['default', 'http://localhost:8080', 'https://127.0.0.1:1', 'PEM'],
  });
});

test('new tokens take the place of the old ones, and late ones change nothing', async () => {
  const { ask, pod, key, activator } = await start(identity(1));
  const renew = async (n: number): Promise<void> => {
    activator.connection.send(FrameType.CREDENTIALS, 0, 0, sealTokens(tokens(n), pod.uid, prepareSealing(key), platform));
    activator.connection.send(FrameType.PING, 0, 0);
    activator.connection.flushNow();
    const before = activator.seen.filter(({ type }) => type === FrameType.PONG).length;
    await expect.poll(() => activator.seen.filter(({ type }) => type === FrameType.PONG).length).toBeGreaterThan(before);
  };
  await renew(3);
  expect((await ask())['tokens']).toEqual(['g3', 'p3', 'k3']);
  await renew(2);
  expect((await ask())['tokens']).toEqual(['g3', 'p3', 'k3']);
});

test.each([
  ['signed by somebody else', (pod: string, key: string) => sealTokens(tokens(9), pod, prepareSealing(key), generateSigningKey())],
  ['made for another pod', (_: string, key: string) => sealTokens(tokens(9), 'another', prepareSealing(key), platform)],
  [
    'that were an envelope for something else',
    (pod: string, key: string) => sealSpecialize(claim(pod), new Uint8Array(), prepareSealing(key), platform),
  ],
])('tokens %s are not taken, and who sent them is cut off', async (_, forge) => {
  const { ask, pod, key } = await start(identity(1));
  const { client } = await pod.connect();
  client.connection.send(FrameType.CREDENTIALS, 0, 0, forge(pod.uid, key));
  client.connection.flushNow();
  await client.closed;
  expect((await ask())['tokens']).toEqual(['g1', 'p1', null]);
});
