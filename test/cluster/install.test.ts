/** `tsumugi install` and `uninstall` on a real API server. It needs one without an installation: all of it is global. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { functionNetworkPolicies, type NetworkPolicy } from '../../src/functions/model/network-policy.ts';
import { reconcileNetworkPolicy } from '../../src/functions/reconcile/network-policies.ts';
import { applyManifests } from '../../src/install/apply.ts';
import { checkDatabaseSecret, checkOnlyOne, checkPermissions, checkRecordsStay } from '../../src/install/checks.ts';
import { definitionsResource, resourceOf } from '../../src/install/kinds.ts';
import { manifests } from '../../src/install/manifests.ts';
import { names, secretNames } from '../../src/install/parts.ts';
import { waitForRollout } from '../../src/install/rollout.ts';
import { defaultSettings, type InstallSettings } from '../../src/install/settings.ts';
import { uninstall } from '../../src/install/uninstall.ts';
import { runFinalizer } from '../../src/jobs/declared/executions.ts';
import { createHttpClient } from '../../src/kube/http/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import { ApiError, type KubeObject } from '../../src/resources/object.ts';
import { configMaps, executions, functions, namespaces, networkPolicies, pods, secrets } from '../../src/resources/resources.ts';
import { tsumugi } from '../e2e/platform.ts';
import { installKinds } from './custom-kinds.ts';
import { everything, type Place, placeForInstallation, refusal } from './installation.ts';
import { rawRequest } from './raw.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const settings: InstallSettings = { ...defaultSettings('0.0.0'), namespace: `install-${process.pid}` };
const { namespace } = settings;
const withDatabase: InstallSettings = { ...settings, databaseSecret: 'records', gateways: 3 };

describe.runIf(path)('the installation on a real Kubernetes API server', () => {
  let place: Place;
  let client: Place['client'];
  let user: string;

  const versions = async (): Promise<Record<string, unknown>> => {
    const all = await Promise.all(
      manifests(settings).map(async (manifest) => {
        const { metadata } = await client.get<KubeObject>(resourceOf(manifest), manifest.metadata);
        // A Deployment's status moves by itself, its generation only with what is said.
        return [`${manifest.kind}/${metadata.name}`, metadata.generation ?? metadata.resourceVersion] as const;
      }),
    );
    return Object.fromEntries(all);
  };

  beforeAll(async () => {
    place = await placeForInstallation(path as string);
    ({ client, user } = place);
  });
  afterAll(async () => {
    if (client) await uninstall(client, { namespace, data: true });
    await place?.close();
  }, 60_000);

  it('applies with strict validation, and once more changes nothing', async () => {
    const trialBefore = await applyManifests(client, manifests(settings), { dryRun: true });
    expect(trialBefore.filter(({ result }) => result !== 'created')).toEqual([]);
    const first = await applyManifests(client, manifests(settings));
    expect(first.filter(({ result }) => result !== 'created')).toEqual([]);
    const before = await versions();
    const again = await applyManifests(client, manifests(settings));
    expect(again.filter(({ result }) => result !== 'unchanged')).toEqual([]);
    expect(await versions()).toEqual(before);
    const trial = await applyManifests(client, manifests(settings), { dryRun: true });
    expect(trial.filter(({ result }) => result !== 'unchanged')).toEqual([]);
  });

  it('changes what is said otherwise, in both directions, and no more', async () => {
    const changed = async (wanted: InstallSettings, dryRun = false): Promise<string[]> =>
      (await applyManifests(client, manifests(wanted), { dryRun })).flatMap(({ manifest, result }) =>
        result === 'unchanged' ? [] : `${manifest.kind}/${manifest.metadata.name} ${result}`,
      );
    await changed(settings);
    const both = [`Deployment/${names.controller} configured`, `Deployment/${names.gateway} configured`];
    expect(await changed(withDatabase, true)).toEqual(both);
    expect(await changed(withDatabase)).toEqual(both);
    expect(await changed(withDatabase)).toEqual([]);
    expect(await changed(settings)).toEqual(both);
    expect(await changed({ ...settings, serviceType: 'LoadBalancer' })).toEqual([`Service/${names.gateway} configured`]);
  });

  it.each([
    ['evaluation', settings],
    ['with a database', withDatabase],
  ])('the restricted Pod Security Standard admits every pod: %s', async (_, wanted) => {
    await applyManifests(client, manifests(wanted));
    for (const manifest of manifests(wanted).filter(({ kind }) => kind === 'Deployment')) {
      const { template } = manifest['spec'] as { template: { metadata: object; spec: { containers: object[] } } };
      const pod = { ...template, apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: 'trial', namespace } };
      const send = (body: object): ReturnType<typeof rawRequest> =>
        rawRequest(
          place.connection,
          'POST',
          `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`,
          { 'content-type': 'application/json' },
          JSON.stringify(body),
        );
      // The service account's token controller may be a moment behind.
      const answer = await vi.waitFor(async () => {
        const { status, body, warnings } = await send(pod);
        expect({ status, message: (body as { message?: string }).message, warnings }).toEqual({
          status: 201,
          message: undefined,
          warnings: [],
        });
        return status;
      });
      expect(answer).toBe(201);
      const bold = { ...template.spec, containers: [{ ...template.spec.containers[0], securityContext: { privileged: true } }] };
      expect(await send({ ...pod, spec: bold })).toMatchObject({ status: 403 });
    }
  });

  it('a namespace with functions gets its NetworkPolicy, and it is put right', async () => {
    await applyManifests(client, manifests(settings));
    await installKinds(client);
    const stop = new AbortController();
    const informer = new Informer<FunctionResource>(client, functions, {
      indexes: { namespace: ({ metadata }) => [metadata.namespace ?? ''] },
    });
    const running = informer.start(stop.signal);
    try {
      await informer.synced();
      const reconcile = (): unknown => reconcileNetworkPolicy({ client, functions: informer, systemNamespace: namespace })(user);
      const key = { namespace: user, name: 'tsumugi-functions' };
      expect(await reconcile()).toBeUndefined();
      expect(await refusal(client.get(networkPolicies, key))).toMatchObject({ reason: 'NotFound' });
      await client.create<KubeObject & { spec: object }>(functions, {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'Function',
        metadata: { namespace: user, name: 'hello' },
        spec: { source: { inline: 'export default () => 1' } },
      });
      await vi.waitFor(() => expect(informer.countByIndex('namespace', user)).toBe(1));
      expect(await reconcile()).toEqual({ again: 300 });
      const made = await client.get<NetworkPolicy>(networkPolicies, key);
      const runners = await client.get<NetworkPolicy>(networkPolicies, { namespace: user, name: 'tsumugi-runners' });
      expect([made.spec, runners.spec]).toEqual(functionNetworkPolicies(user, namespace).map(({ spec }) => spec));
      await reconcile();
      expect((await client.get<NetworkPolicy>(networkPolicies, key)).metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      await client.patch(networkPolicies, key, { type: 'merge', body: { spec: { ingress: null, egress: [{}] } } });
      await reconcile();
      expect((await client.get<NetworkPolicy>(networkPolicies, key)).spec).toEqual(made.spec);
    } finally {
      stop.abort();
      await running;
    }
  });

  it('uninstall leaves nothing; without --data it leaves what was declared', async () => {
    const definitions = async (): Promise<number> =>
      (await client.list(definitionsResource, {})).items.filter(({ metadata }) => metadata.name.endsWith('.tsumugi.dev')).length;
    await uninstall(client, { namespace, data: true });
    const before = await everything(client);
    await applyManifests(client, manifests(withDatabase));
    await installKinds(client);
    // What the controller makes, and what belongs to functions.
    for (const name of Object.values(secretNames))
      await client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name } });
    await client.create<KubeObject & { spec: object }>(functions, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Function',
      metadata: { namespace: user, name: 'hello' },
      spec: { source: { inline: 'export default () => 1' } },
    });
    for (const policy of functionNetworkPolicies(user, namespace)) await client.create(networkPolicies, policy);
    await client.create<KubeObject & { spec: object }>(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: user, name: 'node-abc', labels: { 'tsumugi.dev/runtime': 'node' } },
      spec: { containers: [{ name: 'function', image: 'tsumugi/none:0' }], terminationGracePeriodSeconds: 0 },
    });
    // And to runs: an Execution is let go, what it made goes.
    await client.create<KubeObject & { spec: object }>(executions, {
      apiVersion: 'tsumugi.dev/v1',
      kind: 'Execution',
      metadata: { namespace: user, name: 'nightly', finalizers: [runFinalizer] },
      spec: { jobDefinition: 'backup' },
    });
    await client.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: user, name: 'runner-1', labels: { 'tsumugi.dev/run': '1' } },
    });
    // A new Deployment has its first pods before it goes.
    await vi.waitFor(async () => expect((await client.list(pods, { namespace })).items.length).toBeGreaterThan(0), { timeout: 10_000 });

    const { removed, foreign } = await uninstall(client, { namespace, data: false });
    expect(foreign).toEqual([]);
    expect(Object.fromEntries(removed)).toMatchObject({ Deployment: 2, Pod: 1, NetworkPolicy: 4, ConfigMap: 1, Secret: 3, Namespace: 1 });
    expect((await client.list<FunctionResource>(functions)).items.map(({ metadata }) => metadata.name)).toEqual(['hello']);
    expect(await definitions()).toBe(7);

    await uninstall(client, { namespace, data: true });
    expect(await definitions()).toBe(0);
    // What the API server itself keeps for a kind goes a moment after it.
    await vi.waitFor(async () => expect(await everything(client)).toEqual(before), { timeout: 15_000 });
    expect(await uninstall(client, { namespace, data: true })).toMatchObject({ removed: new Map(), foreign: [] });
  });

  it('what somebody else keeps in the system namespace stays, without our labels', async () => {
    await applyManifests(client, manifests(settings));
    await client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: 'records' } });
    expect((await uninstall(client, { namespace, data: false })).foreign).toEqual(['Secret/records']);
    const kept = await client.get<KubeObject>(namespaces, { name: namespace });
    expect(kept.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': namespace });
    expect(await client.get<KubeObject>(secrets, { namespace, name: 'records' })).toBeDefined();
    await client.delete(namespaces, { name: namespace });
    await vi.waitFor(() => expect(client.get(namespaces, { name: namespace })).rejects.toThrow(ApiError), { timeout: 30_000 });
  });

  it('checks before it begins: rights, the Secret of the database, and that records stay where they are', async () => {
    await expect(checkPermissions(client, namespace, ['get', 'create', 'patch'])).resolves.toBeUndefined();
    const stranger = createHttpClient({ ...place.connection, credentials: async () => ({}) });
    expect(await refusal(checkPermissions(stranger, namespace, ['create']))).toBeInstanceOf(Error);
    stranger.close();
    expect(await refusal(checkDatabaseSecret(client, withDatabase))).toMatchObject({
      code: 'NotFound',
      hint: expect.stringContaining('kubectl create'),
    });
    await applyManifests(client, manifests(withDatabase));
    await expect(checkOnlyOne(client, namespace)).resolves.toBeUndefined();
    expect(await refusal(checkOnlyOne(client, 'elsewhere'))).toMatchObject({ code: 'Conflict', hint: `say -n ${namespace}` });
    expect(await refusal(checkRecordsStay(client, settings))).toMatchObject({
      code: 'Conflict',
      hint: expect.stringContaining('--database-secret records'),
    });
    await expect(checkRecordsStay(client, withDatabase)).resolves.toBeUndefined();
    expect(await refusal(waitForRollout(client, namespace, { timeoutSeconds: 0 }))).toMatchObject({ code: 'Unavailable' });
  });

  it('the command says what it did, and what to do next', async () => {
    const flags = ['--kubeconfig', path as string, '-n', namespace];
    await uninstall(client, { namespace, data: true });
    const first = await tsumugi(['install', ...flags]);
    expect(first.stderr).toContain('warning: evaluation form');
    expect(first.stdout).toMatch(/^Tsumugi \S+ on context .*Kubernetes v1\./);
    expect(first.stdout).toMatch(/gateway +2 replicas, Service of type ClusterIP +\d+ created\n/);
    expect(first.stdout).toContain('tsumugi deploy hello.ts');
    expect((await tsumugi(['install', ...flags])).stdout).not.toMatch(/created|configured/);
    expect(await tsumugi(['uninstall', '--data', ...flags])).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    expect(await tsumugi(['uninstall', '--data', '--yes', ...flags])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('removed Tsumugi'),
    });
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
