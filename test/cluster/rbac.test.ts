/** Who may do what after `tsumugi install`: asked of a real API server with the tokens of the ServiceAccounts themselves. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { stopEsbuild } from '../../src/build/esbuild.ts';
import { functionNetworkPolicies } from '../../src/functions/model/network-policy.ts';
import { startFunctions } from '../../src/functions/start.ts';
import { applyManifests } from '../../src/install/apply.ts';
import { isAllowed } from '../../src/install/checks.ts';
import { manifests } from '../../src/install/manifests.ts';
import { names, secretNames } from '../../src/install/parts.ts';
import { defaultSettings } from '../../src/install/settings.ts';
import { uninstall } from '../../src/install/uninstall.ts';
import type { HttpKubeClient } from '../../src/kube/http/client.ts';
import { openFileBlobs } from '../../src/records/files/blobs.ts';
import { openSqliteLogs } from '../../src/records/sqlite/logs.ts';
import { openSqliteStore } from '../../src/records/sqlite/store.ts';
import type { Pod } from '../../src/resources/builtin/pod-types.ts';
import type { FunctionResource } from '../../src/resources/function.ts';
import { ApiError, type KubeObject } from '../../src/resources/object.ts';
import {
  configMaps,
  events,
  functions,
  networkPolicies,
  pods,
  revisions,
  secrets,
  serviceAccounts,
} from '../../src/resources/resources.ts';
import { installKinds } from './custom-kinds.ts';
import { installed, type Place, placeForInstallation, refusal } from './installation.ts';

const path = process.env['TSUMUGI_TEST_KUBECONFIG'];
const settings = { ...defaultSettings('0.0.0'), namespace: `rbac-${process.pid}` };
const { namespace } = settings;

/** verb, resource as `kind/subresource.group`, namespace, name. */
type Call = readonly [verb: string, resource: string, namespace?: string, name?: string];

function can(client: HttpKubeClient, [verb, full, where, name]: Call): Promise<boolean> {
  const at = full.indexOf('.');
  const [resource = '', subresource] = (at === -1 ? full : full.slice(0, at)).split('/');
  const group = at === -1 ? '' : full.slice(at + 1);
  return isAllowed(client, {
    verb,
    group,
    resource,
    ...(subresource && { subresource }),
    ...(where && { namespace: where }),
    ...(name && { name }),
  });
}

/** Those of the calls that are answered so. */
async function answered(client: HttpKubeClient, calls: readonly Call[], allowed: boolean): Promise<readonly Call[]> {
  const answers = await Promise.all(calls.map((call) => can(client, call)));
  return calls.filter((_, index) => answers[index] === allowed);
}

const each = (verbs: readonly string[], ...rest: [resource: string, namespace?: string, name?: string]): Call[] =>
  verbs.map((verb) => [verb, ...rest]);

/** A client that notes what is refused to it for want of a right. */
function telling(client: HttpKubeClient, refused: string[]): HttpKubeClient {
  const note = (error: unknown): never => {
    if (error instanceof ApiError && error.code === 403) refused.push(error.message);
    throw error;
  };
  return {
    ...client,
    get: (...call) => client.get(...call).catch(note) as never,
    list: (...call) => client.list(...call).catch(note) as never,
    create: (...call) => client.create(...call).catch(note),
    update: (...call) => client.update(...call).catch(note),
    patch: (...call) => client.patch(...call).catch(note) as never,
    delete: (...call) => client.delete(...call).catch(note),
    raw: (...call) => client.raw(...call).catch(note),
  };
}

const wait = { timeout: 15_000 };

describe.runIf(path)('permissions after the installation', () => {
  let place: Place;
  let user: string;
  let controller: HttpKubeClient;

  beforeAll(async () => {
    place = await placeForInstallation(path as string);
    ({ user } = place);
    await applyManifests(place.client, manifests(settings));
    await installKinds(place.client);
    controller = await place.as(namespace, names.controller);
  });

  afterAll(async () => {
    if (place) await uninstall(place.client, { namespace, data: true });
    await place?.close();
  }, 60_000);

  it('the controller may do all that its code calls', async () => {
    const read = ['get', 'list', 'watch'];
    const calls: Call[] = [
      ...['functions', 'routes', 'runtimes', 'revisions', 'jobdefinitions', 'executions', 'remoteclusters'].flatMap((kind) => [
        ...each(read, `${kind}.tsumugi.dev`, user),
        ...each(['update'], `${kind}/status.tsumugi.dev`, user),
      ]),
      ...each(['create', 'delete'], 'revisions.tsumugi.dev', user),
      ...each(['create', 'update', 'delete'], 'jobdefinitions.tsumugi.dev', user),
      ...each(['patch', 'delete'], 'executions.tsumugi.dev', user),
      ['create', 'runtimes.tsumugi.dev'],
      ...each([...read, 'create', 'patch', 'delete'], 'pods', user),
      ['get', 'pods/log', user],
      ...each([...read, 'create', 'patch', 'delete'], 'jobs.batch', user),
      ...each(['get', 'create', 'patch', 'delete'], 'secrets', user, 'any'),
      ...each(['get', 'create', 'delete'], 'configmaps', user, 'any'),
      ['update', 'executions/finalizers.tsumugi.dev', user],
      ...each(['create', 'patch'], 'events', user),
      ...each(read, 'namespaces'),
      ...each(['get', 'create', 'delete'], 'serviceaccounts', user),
      ['create', 'serviceaccounts/token', user],
      ['create', 'tokenreviews.authentication.k8s.io'],
      ...each(['get', 'create', 'delete'], 'rolebindings.rbac.authorization.k8s.io', user),
      ...['jobs', 'configmaps', 'secrets'].map((kind): Call => [
        'bind',
        'clusterroles.rbac.authorization.k8s.io',
        '',
        `tsumugi-manage-${kind}`,
      ]),
      ...each(['get', 'create', 'patch'], 'networkpolicies.networking.k8s.io', user),
      ['create', 'leases.coordination.k8s.io', namespace],
      ...each(['get', 'update'], 'leases.coordination.k8s.io', namespace, names.lease),
      ['create', 'secrets', namespace],
      ...Object.values(secretNames).flatMap((name) => each(['get', 'update'], 'secrets', namespace, name)),
    ];
    expect(await answered(controller, calls, false)).toEqual([]);
  });

  it('and nothing else', async () => {
    const change = ['create', 'update', 'patch', 'delete'];
    const calls: Call[] = [
      ...each(['list', 'watch', 'update', 'deletecollection'], 'secrets', user),
      ...each(['list', 'watch'], 'secrets', namespace),
      ['update', 'secrets', namespace, 'records'],
      ...each(['list', 'watch', 'update', 'patch'], 'configmaps', user),
      ...['pods/exec', 'pods/attach', 'pods/portforward', 'pods/eviction', 'pods/ephemeralcontainers'].flatMap((kind) =>
        each(['get', 'create', 'update', 'patch'], kind, user),
      ),
      ...each(change, 'remoteclusters.tsumugi.dev', user),
      ...each(change, 'functions.tsumugi.dev', user),
      ...each(change, 'routes.tsumugi.dev', user),
      ...each(['patch'], 'jobdefinitions.tsumugi.dev', user),
      ...each(['create', 'update'], 'executions.tsumugi.dev', user),
      ...each(['update', 'patch', 'delete'], 'runtimes.tsumugi.dev'),
      ...each(['list', 'watch', 'update', 'delete'], 'networkpolicies.networking.k8s.io', user),
      ...each(['update', 'patch'], 'leases.coordination.k8s.io', namespace, 'another'),
      ...each(['create', 'update'], 'leases.coordination.k8s.io', 'kube-system', 'kube-scheduler'),
      ...each(['get', ...change], 'deployments.apps', namespace),
      ...each(change, 'namespaces'),
      ...each(['get', 'list'], 'nodes'),
      ...each(['list', 'watch', 'update', 'patch', 'impersonate'], 'serviceaccounts', user),
      ...each(['bind', 'escalate'], 'clusterroles.rbac.authorization.k8s.io', '', 'cluster-admin'),
      ...each(['bind', 'escalate', ...change], 'roles.rbac.authorization.k8s.io', user, 'any'),
      ...each(['list', 'watch', 'update', 'patch'], 'rolebindings.rbac.authorization.k8s.io', user),
      ...each(['update', 'deletecollection'], 'jobs.batch', user),
      ...each(change, 'clusterrolebindings.rbac.authorization.k8s.io'),
      ...each(change, 'customresourcedefinitions.apiextensions.k8s.io'),
      ['impersonate', 'users'],
      ['*', '*.*'],
    ];
    expect(await answered(controller, calls, true)).toEqual([]);
  });

  it('as it is in real calls', async () => {
    expect((await controller.list(functions)).items).toEqual([]);
    expect((await controller.list(pods, { labelSelector: 'tsumugi.dev/runtime' })).items).toEqual([]);
    for (const policy of functionNetworkPolicies(user, namespace))
      expect((await controller.create(networkPolicies, policy, { dryRun: true })).spec).toMatchObject(policy.spec);
    expect(await refusal(controller.list(secrets))).toMatchObject({ reason: 'Forbidden' });
    expect(await refusal(controller.list(secrets, { namespace }))).toMatchObject({ reason: 'Forbidden' });
  });

  it('with it all of functions works: nothing that is called is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsumugi-rbac-'));
    const logs = openSqliteLogs(join(folder, 'records.db'));
    const store = openSqliteStore(join(folder, 'records.db'));
    const refused: string[] = [];
    const part = await startFunctions({
      client: telling(controller, refused),
      blobs: await openFileBlobs(join(folder, 'blobs')),
      logs,
      store,
      pki: join(folder, 'pki'),
      addressOf: () => undefined,
      gatewayUrl: 'http://gateway',
      endpoints: { platform: { url: 'https://127.0.0.1:6441' }, kubernetes: { url: 'https://127.0.0.1:6440' } },
      systemNamespace: namespace,
      log: silentLog,
    });
    const leading = new AbortController();
    const led = part.lead({ client: telling(controller, refused), signal: leading.signal });
    const { client } = place;
    try {
      await client.create<KubeObject & { spec: object }>(functions, {
        apiVersion: 'tsumugi.dev/v1',
        kind: 'Function',
        metadata: { namespace: user, name: 'hello' },
        spec: {
          source: { inline: 'export default () => 1' },
          configMaps: ['settings'],
          secrets: ['keys'],
          permissions: { manage: ['jobs', 'secrets'] },
        },
      });
      const ready = async (): Promise<unknown> =>
        (await client.get<FunctionResource>(functions, { namespace: user, name: 'hello' })).status?.conditions?.map(
          ({ message }) => message,
        );
      await vi.waitFor(async () => expect(await ready()).toEqual([expect.stringMatching(/settings|keys/)]), wait);
      for (const [kind, name] of [[configMaps, 'settings'] as const, [secrets, 'keys'] as const])
        await client.create(kind, { apiVersion: 'v1', kind: kind.kind, metadata: { namespace: user, name } });
      await vi.waitFor(async () => expect((await client.list(revisions, { namespace: user })).items).toHaveLength(1), { timeout: 40_000 });
      await vi.waitFor(async () => expect((await client.list(events, { namespace: user })).items).not.toEqual([]), wait);
      await vi.waitFor(() => client.get(networkPolicies, { namespace: user, name: 'tsumugi-functions' }), wait);
      const pool = async (): Promise<readonly Pod[]> => (await client.list<Pod>(pods, { namespace: user })).items;
      await vi.waitFor(async () => expect(await pool()).toHaveLength(3), wait);
      // One of the function ended: its log is asked for, it goes, and another comes.
      const [first] = (await pool()) as [Pod, ...Pod[]];
      const key = { namespace: user, name: first.metadata.name };
      await client.patch(pods, key, { type: 'merge', body: { metadata: { labels: { 'tsumugi.dev/function': 'hello' } } } });
      await client.patch(pods, key, { type: 'merge', body: { status: { phase: 'Failed' } } }, { subresource: 'status' });
      await vi.waitFor(async () => {
        const names = (await pool()).map(({ metadata }) => metadata.name);
        expect(names).toHaveLength(3);
        expect(names).not.toContain(first.metadata.name);
      }, wait);
      await client.delete(functions, { namespace: user, name: 'hello' });
      await vi.waitFor(async () => expect(await pool()).toEqual([]), wait);
      expect(refused).toEqual([]);
    } finally {
      leading.abort();
      await led;
      await part.stop();
      await Promise.all([logs.close(), store.close()]);
      await stopEsbuild();
      rmSync(folder, { recursive: true });
    }
  });

  it('the gateway may do no more than anybody', async () => {
    const gateway = await place.as(namespace, names.gateway);
    const calls: Call[] = [
      ['get', 'secrets', namespace, secretNames.gateway],
      ['list', 'functions.tsumugi.dev', user],
      ['list', 'pods', namespace],
      ['get', 'configmaps', user, 'any'],
    ];
    expect(await answered(gateway, calls, true)).toEqual([]);
  });

  it('who edits a namespace may have functions in it; who shall use the platform is bound to a Role', async () => {
    const { client } = place;
    await client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'someone' } });
    const bind = (kind: string, name: string, where: string): Promise<KubeObject> =>
      client.create<KubeObject & { roleRef: object; subjects: readonly object[] }>(installed('RoleBinding'), {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { namespace: where, name: 'someone' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
        subjects: [{ kind: 'ServiceAccount', name: 'someone', namespace }],
      });
    await bind('Role', names.user, namespace);
    await bind('ClusterRole', 'edit', user);
    const someone = await place.as(namespace, 'someone');
    const may: Call[] = [
      ...each(['get', 'list', 'create', 'patch', 'delete'], 'functions.tsumugi.dev', user),
      ...each(['get', 'list', 'watch'], 'revisions.tsumugi.dev', user),
      ...[`https:${names.api}:https`, `https:${names.api}:443`, `${names.gateway}:http`, `http:${names.gateway}:80`].flatMap((name) =>
        each(['get', 'create', 'update', 'patch', 'delete'], 'services/proxy', namespace, name),
      ),
      ['get', 'secrets', namespace, secretNames.cli],
    ];
    // The controller that adds up roles needs a moment.
    await vi.waitFor(async () => expect(await answered(someone, may, false)).toEqual([]), { timeout: 10_000 });
    const mayNot: Call[] = [
      ['get', 'secrets', namespace, secretNames.platform],
      ['get', 'secrets', namespace, secretNames.gateway],
      ['list', 'secrets', namespace],
      ['get', 'services/proxy', namespace, 'https:kubernetes:443'],
      ['update', 'functions/status.tsumugi.dev', user],
      ['create', 'revisions.tsumugi.dev', user],
      ['create', 'runtimes.tsumugi.dev'],
    ];
    expect(await answered(someone, mayNot, true)).toEqual([]);
  });
});

it.skipIf(path)('needs TSUMUGI_TEST_KUBECONFIG, a kubeconfig of a real cluster: npm run test:cluster', ({ skip }) => skip());
