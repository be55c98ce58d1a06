/** Guests in a RemoteCluster, which is another platform of its own. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Run } from '../../records/runs.ts';
import type { Secret } from '../../resources/builtin/secret.ts';
import type { KubeObject } from '../../resources/object.ts';
import { configMaps, jobs, pods, remoteClusters, resourceQuotas, secrets } from '../../resources/resources.ts';
import { startGuest } from './requests.ts';
import { HandNode, namespace, texts } from './testing/hand-node.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.close();
});

const container = { name: 'main', image: 'host', command: ['true'] };
const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'ping' },
  spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [container] } } },
};
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'hosts' }, data: { a: 'b' } };
const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' }, stringData: { key: 'secret' } };

/** What stands between two clusters: it may break, and be mended. */
class Wire {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isBroken = false;

  static async lay(to: number): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new Wire(server, to);
  }

  private constructor(server: Server, to: number) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (socket) => {
      if (this.#isBroken) {
        socket.destroy();
        return;
      }
      const far = connect(to, '127.0.0.1');
      for (const [each, other] of [
        [socket, far],
        [far, socket],
      ] as const) {
        this.#sockets.add(each);
        each.pipe(other).on('error', () => each.destroy());
        each.on('close', () => {
          this.#sockets.delete(each);
          other.destroy();
        });
      }
    });
  }

  cut(): void {
    this.#isBroken = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isBroken = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }
}

interface World {
  readonly here: HandNode;
  readonly there: HandNode;
  readonly wire: Wire;
}

async function world(): Promise<World> {
  const there = await HandNode.open({ listen: true });
  opened.push(there);
  const port = /https:\/\/127\.0\.0\.1:(\d+)/.exec(there.api.kubeconfig)?.[1];
  if (port === undefined) throw new Error(there.api.kubeconfig);
  const wire = await Wire.lay(Number(port));
  opened.push(wire);
  const here = await HandNode.open();
  opened.push(here);
  const kubeconfig = there.api.kubeconfig.replace(`127.0.0.1:${port}`, `127.0.0.1:${wire.port}`);
  await here.api.client.create<KubeObject>(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'far' },
    stringData: { kubeconfig },
  } as KubeObject);
  await here.api.client.create<KubeObject>(remoteClusters, {
    apiVersion: 'tsumugi.dev/v1',
    kind: 'RemoteCluster',
    metadata: { namespace, name: 'far' },
    spec: { secretRef: { name: 'far' } },
  } as KubeObject);
  return { here, there, wire };
}

const send = ({ jobs: port, api }: HandNode, manifests: readonly unknown[], cluster: string | null = 'far'): Promise<Run> =>
  startGuest({ jobs: port, client: api.client, functions: {} as never }, namespace, { manifests, ...(cluster !== null && { cluster }) });

const look = ({ runs }: HandNode, { name }: Run): Promise<Run> =>
  runs.find(namespace, [name]).then(([run]) => {
    if (!run) throw new Error('the run is gone');
    return run;
  });

const until = (node: HandNode, run: Run, so: (now: Run) => boolean): Promise<Run> =>
  vi.waitFor(async () => {
    const now = await look(node, run);
    if (!so(now)) throw new Error(`it is ${now.status}: ${now.reason} ${now.message}`);
    return now;
  }, 15_000);

const ended = (node: HandNode, run: Run): Promise<Run> => until(node, run, ({ endedAt }) => endedAt !== undefined);

/** Of the guest's kinds, by their names, less what is the test's own. */
async function left({ api }: HandNode): Promise<readonly string[]> {
  const found = await Promise.all([jobs, pods, configMaps, secrets].map((resource) => api.client.list(resource, { namespace })));
  return found
    .flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind}/${metadata.name}`))
    .filter((name) => name !== 'Secret/far');
}

describe('a guest in a RemoteCluster', () => {
  test('is made, watched, saved and deleted there; here remains the record', async () => {
    const { here, there } = await world();
    const run = await send(here, [job, map, secret]);
    const pod = await there.begin((await there.pods(1)).get('ping'), 'hello from far');
    await until(here, run, ({ status }) => status === 'running');
    const kept = await there.api.client.get<Secret>(secrets, { namespace, name: 'key' });
    expect(Buffer.from(kept.data?.['key'] ?? '', 'base64').toString()).toBe('secret');
    // The platform there does not know it, and is not to take it for what a run of its own left.
    expect(pod.metadata.labels).toMatchObject({ 'tsumugi.dev/runner': run.name, 'tsumugi.dev/remote-run': run.uid });
    expect(pod.metadata.labels).not.toHaveProperty(['tsumugi.dev/run']);
    expect(await left(here)).toEqual([`Secret/${run.name}`]);
    expect(JSON.stringify(run.spec)).not.toContain('stringData');
    expect(await texts(here.logs(run))).toEqual(['0.0 hello from far']);

    there.say(pod, 'bye');
    await there.end(pod);
    expect(await ended(here, run)).toMatchObject({ status: 'succeeded', spec: { cluster: 'far' } });
    expect(await texts(here.logs(run))).toEqual(['0.0 hello from far', '0.0 bye']);
    await vi.waitFor(async () => expect([await left(here), await left(there)]).toEqual([[], []]), 5000);
  });

  test('is found again after a restart, and tells what failed', async () => {
    const { here, there } = await world();
    const run = await send(here, [job]);
    const pod = await there.begin((await there.pods(1)).get('ping'));
    await until(here, run, ({ status }) => status === 'running');
    await here.leave();
    await there.end(pod, 3);
    await here.lead();
    expect(await ended(here, run)).toMatchObject({
      status: 'failed',
      reason: 'GuestFailed',
      message: expect.stringContaining('Job "ping" failed'),
    });
    await vi.waitFor(async () => expect(await left(there)).toEqual([]), 5000);
  });

  test('whose objects were deleted at its end, right before a crash, has ended as it had', async () => {
    const { here, there } = await world();
    const run = await send(here, [job]);
    await there.begin((await there.pods(1)).get('ping'));
    const { version } = await until(here, run, ({ status }) => status === 'running');
    await here.leave();
    await there.api.client.delete(jobs, { namespace, name: 'ping' }, { propagationPolicy: 'Background' });
    await here.runs.commit([{ uid: run.uid, version, set: { memo: { begun: true, verdict: { status: 'succeeded' } } } }]);
    await here.lead();
    expect(await ended(here, run)).toMatchObject({ status: 'succeeded' });
  });

  test('goes on when its cluster is back; meanwhile its record says what is wrong', async () => {
    const { here, there, wire } = await world();
    const run = await send(here, [job]);
    const pod = await there.begin((await there.pods(1)).get('ping'));
    await until(here, run, ({ status }) => status === 'running');
    wire.cut();
    const away = await until(here, run, ({ reason }) => reason === 'ClusterUnreachable');
    expect(away).toMatchObject({ status: 'running', message: expect.stringMatching(/^RemoteCluster "far": .*it is tried again$/) });
    await there.end(pod);
    wire.mend();
    const end = await ended(here, run);
    expect(end.status).toBe('succeeded');
    expect([end.reason, end.message]).toEqual([undefined, undefined]);
    await vi.waitFor(async () => expect(await left(there)).toEqual([]), 5000);
  }, 30_000);

  test('is cancelled with what it has there; where nobody knows its cluster any more, without', async () => {
    const { here, there, wire } = await world();
    const first = await send(here, [job, map]);
    await there.begin((await there.pods(1)).get('ping'));
    await until(here, first, ({ status }) => status === 'running');
    await here.jobs.cancel(first);
    expect(await ended(here, first)).toMatchObject({ status: 'cancelled', message: 'cancelled' });
    expect(await left(there)).toEqual([]);

    const second = await send(here, [job, map]);
    await there.begin((await there.pods(1)).get('ping'));
    await until(here, second, ({ status }) => status === 'running');
    await here.api.client.delete(remoteClusters, { namespace, name: 'far' });
    wire.cut();
    await here.jobs.cancel(second);
    const { status, message } = await ended(here, second);
    expect([status, message]).toEqual(['cancelled', expect.stringMatching(/may still be there: .*there is no RemoteCluster "far"/)]);
  }, 30_000);

  test('of which nothing was made yet needs no cluster to be cancelled', async () => {
    const { here, there, wire } = await world();
    await here.leave();
    const run = await send(here, [job, secret]);
    wire.cut();
    await here.lead();
    const away = await until(here, run, ({ reason }) => reason === 'ClusterUnreachable');
    expect(away).toMatchObject({ status: 'queued', message: expect.stringContaining('RemoteCluster "far": ') });
    await here.jobs.cancel(run);
    expect(await ended(here, run)).toMatchObject({ status: 'cancelled', message: 'cancelled' });
    await vi.waitFor(async () => expect([await left(here), await left(there)]).toEqual([[], []]), 5000);
  });

  test('is refused before anything is made, with the reason', async () => {
    const { here, there, wire } = await world();
    await expect(send(here, [job], 'near')).rejects.toMatchObject({
      code: 'NotFound',
      message: 'there is no RemoteCluster "near" in namespace default',
      hint: 'there are: far',
    });
    await there.api.client.create<KubeObject>(configMaps, { ...map, metadata: { ...map.metadata, namespace } });
    await expect(send(here, [job, map])).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('ConfigMap "hosts" already'),
    });
    const elsewhere = { ...job, metadata: { name: 'ping', namespace: 'kube-system' } };
    await expect(send(here, [elsewhere])).rejects.toMatchObject({
      field: 'manifests[0].metadata.namespace',
      hint: expect.stringContaining('"far"'),
    });
    const host = { ...container, securityContext: { privileged: true } };
    const mighty = { ...job, spec: { template: { spec: { restartPolicy: 'Never', containers: [host] } } } };
    await expect(send(here, [mighty])).rejects.toThrow('a guest may not have it');
    wire.cut();
    await expect(send(here, [job])).rejects.toMatchObject({
      code: 'Invalid',
      field: 'cluster',
      message: expect.stringContaining('RemoteCluster "far": '),
    });
    expect(await here.runs.list({ namespace, limit: 10 })).toEqual([]);
    expect(await left(there)).toEqual(['ConfigMap/hosts']);
  });
});

test('a guest that a quota holds back says so, and goes on when there is room', async () => {
  const node = await HandNode.open();
  opened.push(node);
  const { client } = node.api;
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { namespace, name: 'none' }, spec: { hard: { pods: '0' } } };
  await client.create<KubeObject>(resourceQuotas, quota);
  await vi.waitFor(async () => expect(await client.get(resourceQuotas, quota.metadata)).toHaveProperty('status.hard.pods', '0'), 5000);
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'ping' }, spec: { restartPolicy: 'Never', containers: [container] } };
  const run = await send(node, [pod], null);
  const waiting = await until(node, run, ({ reason }) => reason === 'Forbidden');
  expect(waiting).toMatchObject({ status: 'queued', message: expect.stringMatching(/exceeded quota: none.*it is tried again$/) });
  await client.delete(resourceQuotas, quota.metadata);
  await node.end((await node.pods(1)).get('ping'));
  const end = await ended(node, run);
  expect([end.status, end.reason]).toEqual(['succeeded', undefined]);
  await vi.waitFor(async () => expect(await left(node)).toEqual([]), 5000);
});
