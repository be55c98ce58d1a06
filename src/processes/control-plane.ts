/**
 * The control plane: the embedded Kubernetes API with its controllers, the node that runs pods (the supervisor owns their
 * processes), and the functions' reconcilers and activator. Everything that it knows is in the data folder or told by what runs.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createLog } from '../base/log.ts';
import { watchRemoteClusters } from '../clusters/remote-clusters.ts';
import { bundleShim, scriptBeside } from '../build/shim.ts';
import { openEmbeddedApi } from '../embedded/api/index.ts';
import { openPki } from '../embedded/api/pki.ts';
import { runEmbeddedControllers } from '../embedded/controllers/index.ts';
import { ipcProcessHost } from '../embedded/node/host/ipc.ts';
import { nodeName, startNode, type RunningNode } from '../embedded/node/node.ts';
import { podSocketPath } from '../embedded/node/paths.ts';
import { openPlatformKeys } from '../functions/model/keys.ts';
import { audiences } from '../functions/identity/tokens.ts';
import { startFunctions } from '../functions/start.ts';
import { startJobs } from '../jobs/start.ts';
import { openFileBlobs } from '../records/files/blobs.ts';
import { openSqliteLogs } from '../records/sqlite/logs.ts';
import { openSqliteRuns } from '../records/sqlite/runs.ts';
import { openSqliteStore } from '../records/sqlite/store.ts';
import { controlPlaneMetrics } from './control-plane-metrics.ts';
import { platformFile } from './folders.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { servePlatformApi } from './platform-server.ts';
import { runRole, type RunningRole } from './role.ts';
import type { RoleSettings } from './settings.ts';
import { packageVersion } from './version.ts';

const log = createLog('control-plane');

async function start(settings: RoleSettings): Promise<RunningRole> {
  const { data, run } = settings;
  const { gateway, socket, api: apiUrl, platform: platformUrl } = platformFile(settings);
  const node = Promise.withResolvers<RunningNode>();
  const metrics = controlPlaneMetrics(data, { watches: () => api.server.watches(), phases: () => running.phases() });
  const api = await openEmbeddedApi({
    observer: metrics.embedded,
    data,
    host: settings.apiHost,
    port: settings.apiPort,
    node: nodeName,
    // The API needs the node for logs, the node the API for pods: who asks before the node is there waits.
    podAccess: {
      log: async function* (pod, options) {
        yield* (await node.promise).log(pod, options);
      },
      streams: {
        exec: async (pod, request) => (await node.promise).streams.exec(pod, request),
        attach: async (pod, request) => (await node.promise).streams.attach(pod, request),
        connect: async (pod, port) => (await node.promise).streams.connect(pod, port),
      },
    },
    log,
  });
  const stopping = new AbortController();
  const claimsFolder = join(data, 'volumes');
  const controllers = runEmbeddedControllers({ client: api.client, store: api.store, claimsFolder, log, signal: stopping.signal });
  const keys = openPlatformKeys(join(data, 'pki'));
  const shim = await bundleShim(join(data, 'shims', 'node.cjs'));
  const running = await startNode({
    client: api.client,
    host: ipcProcessHost(process),
    runFolder: run,
    hidden: [data],
    claimsFolder,
    // One program for both.
    shims: { node: shim, binary: shim },
    besides: [scriptBeside(shim)],
    isolation: settings.isolation,
    publicKey: keys.signing.publicKey,
    version: packageVersion(),
    log,
  });
  node.resolve(running);

  const logs = openSqliteLogs(join(data, 'records.db'));
  const store = openSqliteStore(join(data, 'records.db'));
  const runs = openSqliteRuns(join(data, 'records.db'));
  const endpoints = { platform: { url: platformUrl, ca: api.ca }, kubernetes: { url: apiUrl, ca: api.ca } };
  const functions = await startFunctions({
    client: api.client,
    blobs: await openFileBlobs(join(data, 'blobs')),
    logs,
    store,
    pki: keys,
    addressOf: (pod) => (pod.status?.phase === 'Running' ? `unix:${podSocketPath(run, pod.metadata.uid ?? '')}` : undefined),
    gatewayUrl: gateway,
    endpoints,
    observer: metrics.functions,
    tokenHashes: [createHash('sha256').update(api.token).digest('hex')],
    log,
  });
  functions.waitFor(settings.waitFor);
  void functions.lead({ client: api.client, signal: stopping.signal });
  const jobs = startJobs({
    client: api.client,
    runs,
    logs,
    functions: functions.runs,
    identity: { accounts: functions.accounts, listeners: { ...endpoints, gatewayUrl: gateway }, audiences },
    openInvoker: () => functions.openInvoker(),
    functionLogs: (query) => functions.readLogs(query),
    settings: settings.runs,
    log,
  });
  const driving = jobs.lead({ client: api.client, signal: stopping.signal });
  const clusters = watchRemoteClusters({ client: api.client, log, signal: stopping.signal });
  const { cert, key } = openPki(data, [settings.apiHost]);
  const platform = await servePlatformApi({
    handler: jobs.handler(functions.handler),
    socket,
    host: settings.apiHost,
    port: settings.platformPort,
    tls: { cert, key },
    tokens: [{ token: api.token, roles: ['gateway', 'user'] }],
    authenticate: (token) => functions.authenticate(token),
    hint: 'use a kubeconfig of `tsumugi kubeconfig`',
  });
  writeKubeconfig(settings, api.kubeconfig);

  return {
    warnings: running.isolation.warnings,
    waitFor: (names) => functions.waitFor(names),
    metrics: () => metrics.registry.text(),
    async stop(graceMs) {
      await platform.close();
      jobs.stop();
      await driving;
      await functions.stop();
      await running.endPods(graceMs);
      await running.stop();
      stopping.abort();
      await Promise.all([controllers, clusters]);
      await Promise.all([api.close(), logs.close(), store.close(), runs.close()]);
    },
  };
}

await runRole(log, start);
