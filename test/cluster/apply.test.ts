/** Server-side apply and managedFields: the embedded API answers as a real API server does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openEmbeddedApi, type EmbeddedApi } from '../../src/embedded/api/index.ts';
import { createHttpClient, type HttpKubeClient } from '../../src/kube/http/client.ts';
import { loadConnection } from '../../src/kube/kubeconfig.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { namespaces } from '../../src/resources/resources.ts';
import { cases } from './apply/cases.ts';
import { play } from './apply/script.ts';
import { installKinds } from './custom-kinds.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const namespace = `apply-${process.pid}`;

describe.runIf(path)('server-side apply on a real API server and on ours', () => {
  let data: string;
  let api: EmbeddedApi;
  let ours: Connection;
  let real: Connection;
  let client: HttpKubeClient;

  beforeAll(async () => {
    real = await loadConnection({ path: path as string });
    client = createHttpClient(real);
    await installKinds(client);
    data = await mkdtemp(join(tmpdir(), 'tsumugi-apply-'));
    api = await openEmbeddedApi({ data });
    ours = { server: api.url, ca: api.ca, credentials: async () => ({ token: api.token }) } as Connection;
    const made = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await client.create(namespaces, made);
    await api.client.create(namespaces, made);
    // A namespace takes pods once it has its account.
    const accounts = { ...namespaces, plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true };
    await vi.waitFor(() => client.get(accounts, { namespace, name: 'default' }), { timeout: 30_000 });
  });

  afterAll(async () => {
    await client?.delete(namespaces, { name: namespace });
    client?.close();
    await api?.close();
    if (data) await rm(data, { recursive: true });
  });

  it.each(cases.map(([what, script], index) => [what, script, index] as const))('%s', async (_, script, index) => {
    const name = `case-${index}`;
    const [theirs, mine] = await Promise.all([play(real, namespace, name, script), play(ours, namespace, name, script)]);
    expect(mine).toEqual(theirs);
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
