/** `tsumugi controller`: functions on a Kubernetes. What it knows is in the API server, in the records, or told by the pods. */
import { createHash } from 'node:crypto';
import { hostPart } from '../../base/host.ts';
import { createLog, type Log } from '../../base/log.ts';
import { Registry } from '../../base/metrics.ts';
import { watchRemoteClusters } from '../../clusters/remote-clusters.ts';
import { audiences } from '../../functions/identity/tokens.ts';
import { FunctionsMetrics } from '../../functions/metrics.ts';
import { framePort } from '../../functions/model/network-policy.ts';
import { startFunctions } from '../../functions/start.ts';
import { startJobs } from '../../jobs/start.ts';
import { names } from '../../install/parts.ts';
import { createHttpClient } from '../../kube/http/client.ts';
import { loadConnection } from '../../kube/kubeconfig.ts';
import { electLeader, fenced } from '../../kube/leader.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { servePlatformApi } from '../platform-server.ts';
import { type Health, untilItWorks, watchOver } from './health.ts';
import { checkApi } from './preflight.ts';
import { openRecords } from './records.ts';
import { openPlatformSecrets } from './secrets.ts';
import type { ControllerSettings } from './settings.ts';
import { runStandalone, type StandaloneRole } from './standalone.ts';

/** Of the leader's epochs in the records. */
const scope = 'controllers';
/** How often it is asked whether the database still answers. */
const databaseEveryMs = 5000;

/** Runs until SIGTERM (0) or until it must be started anew (1). Throws what is wrong with its settings. */
export async function controller(settings: ControllerSettings): Promise<number> {
  const log = createLog('controller');
  const { host, metricsPort } = settings;
  return runStandalone({ name: 'controller', host, metricsPort, log, start: (health, signal) => start(settings, log, health, signal) });
}

async function start(settings: ControllerSettings, log: Log, health: Health, signal: AbortSignal): Promise<StandaloneRole> {
  const { kubeconfig, context, namespace, gatewayUrl, host, platformPort } = settings;
  const connection = await loadConnection({ ...(kubeconfig && { path: kubeconfig }), ...(context && { context }) });
  const client = createHttpClient(connection);
  const trying = { health, log, signal };
  log.info({ server: connection.server, from: connection.from, namespace, images: Object.fromEntries(settings.images) }, 'the API server');
  await untilItWorks('API server', () => checkApi(client, namespace), trying);
  const { keys, tls, ca, gatewayToken, userToken } = await untilItWorks('Secrets', () => openPlatformSecrets(client, namespace), trying);
  const records = await untilItWorks('database', () => openRecords(settings, log), trying);

  const registry = new Registry();
  const endpoints = {
    platform: { url: `https://${names.api}.${namespace}.svc`, ca },
    kubernetes: { url: connection.server, ...(connection.ca !== undefined && { ca: connection.ca }) },
  };
  const functions = await startFunctions({
    client,
    blobs: records.blobs,
    logs: records.logs,
    store: records.store,
    pki: keys,
    addressOf,
    gatewayUrl,
    endpoints,
    systemNamespace: namespace,
    images: settings.images,
    imagePullSecrets: settings.imagePullSecrets,
    observer: new FunctionsMetrics(registry),
    tokenHashes: [createHash('sha256').update(userToken).digest('hex')],
    log,
  });
  const jobs = startJobs({
    client,
    runs: records.runs,
    logs: records.logs,
    functions: functions.runs,
    identity: { accounts: functions.accounts, listeners: { ...endpoints, gatewayUrl }, audiences },
    openInvoker: () => functions.openInvoker(),
    functionLogs: (query) => functions.readLogs(query),
    settings: settings.runs,
    log,
  });
  const platform = await servePlatformApi({
    handler: jobs.handler(functions.handler),
    host,
    port: platformPort,
    tls,
    tokens: [
      { token: gatewayToken, roles: ['gateway'] },
      { token: userToken, roles: ['user'] },
    ],
    authenticate: (token) => functions.authenticate(token),
    hint: `the token is in a Secret of the namespace ${namespace}`,
  });
  log.info({ platform: `https://${hostPart(host)}:${platform.port}` }, 'listening');
  const lost = Promise.withResolvers<Error>();
  const election = electLeader({
    client,
    namespace,
    lease: 'tsumugi-controller',
    identity: settings.podName,
    epochFloor: () => records.fences.highest(scope),
    onLeading: async (leadership) => {
      const fence = { scope, epoch: leadership.epoch };
      await records.fences.raise(fence);
      const leading = { client: fenced(client, leadership), signal: leadership.signal };
      await Promise.all([
        functions.lead({ ...leading, fence }),
        jobs.lead({ ...leading, fence }),
        watchRemoteClusters({ ...leading, log }),
      ]);
    },
    onLost: lost.resolve,
    log,
  });
  const stopping = new AbortController();
  const watching = watchOver('database', databaseEveryMs, () => records.fences.highest(scope), {
    ...trying,
    signal: stopping.signal,
  });

  return {
    warnings:
      settings.databaseUrl === ''
        ? [`evaluation form: packages and logs are in SQLite in ${settings.data}, for this one controller alone`]
        : [],
    metrics: () => registry.text(),
    over: lost.promise,
    async stop(graceMs) {
      // First, so that another leads while this one still answers.
      await election.stop();
      await platform.close(graceMs);
      jobs.stop();
      await functions.stop();
      stopping.abort();
      await watching;
      await records.close();
      client.close();
    },
  };
}

/** Where the shim of a pod listens. */
function addressOf({ status }: Pod): string | undefined {
  if (status?.phase !== 'Running' || !status.podIP) return undefined;
  return `tcp:${hostPart(status.podIP)}:${framePort}`;
}
