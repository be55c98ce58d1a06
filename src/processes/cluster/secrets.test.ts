import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { openEmbeddedApi } from '../../embedded/api/index.ts';
import { secretNames } from '../../install/parts.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../resources/object.ts';
import { namespaces, secrets } from '../../resources/resources.ts';
import { openPlatformSecrets, serverNames } from './secrets.ts';

let api: Awaited<ReturnType<typeof openEmbeddedApi>>;
let client: KubeClient;
let namespace: string;
let count = 0;
const data = mkdtempSync(join(tmpdir(), 'tsumugi-secrets-'));

beforeAll(async () => {
  const podAccess = { log: async function* () {} };
  api = await openEmbeddedApi({ data, host: '127.0.0.1', port: 0, podAccess, log: silentLog });
  client = api.client;
});
beforeEach(async () => {
  namespace = `system-${(count += 1)}`;
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
});
afterAll(async () => {
  await api.close();
  rmSync(data, { recursive: true });
});

const read = async (name: string): Promise<Record<string, string>> => {
  const object = await client.get<KubeObject & { data?: Record<string, string> }>(secrets, { namespace, name });
  return Object.fromEntries(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
};

test('replicas that start at the same moment come to the same keys, tokens and certificate', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => openPlatformSecrets(client, namespace)));
  const told = all.map(({ keys, ...rest }) => ({ ...rest, publicKey: keys.signing.publicKey, instance: keys.tokenFor('pod', 1) }));
  for (const each of told) expect(each).toEqual(told[0]);
  expect(told[0]?.gatewayToken).not.toBe(told[0]?.userToken);
  expect(await read(secretNames.gateway)).toEqual({ token: told[0]?.gatewayToken, 'ca.crt': (await read(secretNames.platform))['ca.crt'] });
});

test('the certificate is for every name of the platform API', async () => {
  const { tls } = await openPlatformSecrets(client, namespace);
  const certificate = new X509Certificate(tls.cert);
  expect(serverNames(namespace)).toContain(`tsumugi-controllers.${namespace}.svc`);
  expect(serverNames(namespace).filter((name) => certificate.checkHost(name) === undefined)).toEqual([]);
});

test('what is missing is made, what is there stays, and a certificate of another authority is made anew', async () => {
  const before = await openPlatformSecrets(client, namespace);
  const key = { namespace, name: secretNames.platform };
  const keys = await read(secretNames.platform);
  await client.patch(secrets, key, { type: 'merge', body: { data: { 'ca.key': null, 'instances.key': null } } });
  const after = await openPlatformSecrets(client, namespace);
  expect(after.keys.signing.publicKey).toBe(before.keys.signing.publicKey);
  expect([after.gatewayToken, after.userToken]).toEqual([before.gatewayToken, before.userToken]);
  expect(after.keys.tokenFor('pod', 1)).not.toBe(before.keys.tokenFor('pod', 1));
  const now = await read(secretNames.platform);
  expect(now['ca.crt']).not.toBe(keys['ca.crt']);
  expect(new X509Certificate(after.tls.cert).verify(new X509Certificate(now['ca.crt'] ?? '').publicKey)).toBe(true);
  expect((await read(secretNames.gateway))['ca.crt']).toBe(now['ca.crt']);
});

test('without the right to it, the API server’s own words are told', async () => {
  await expect(openPlatformSecrets(client, 'not-there')).rejects.toThrow('not-there');
});
