/** Controller and gateway: Deployments that the restricted Pod Security Standard admits, and that can be replaced under load. */
import { type Component, labelsOf, type Manifest, manifest, names, ports, secretNames, selectorOf } from './parts.ts';
import { imageNames, type InstallSettings } from './settings.ts';

/** A process that is told to end finishes what it has within this time. */
const drainSeconds = 30;
/** Still answering while Services forget the pod: kube-proxy and load balancers hear of its end a moment later. */
const goodbyeSeconds = 5;
const marginSeconds = 5;

interface Workload {
  readonly component: 'controller' | 'gateway';
  readonly name: string;
  readonly replicas: number;
  readonly image: string;
  readonly imagePullSecrets: readonly string[];
  readonly annotations?: object;
  readonly strategy?: object;
  /** The controller alone speaks to the API server. */
  readonly needsToken: boolean;
  readonly env: readonly object[];
  readonly ports: Readonly<Record<string, number>>;
  /** Where `/healthz` and `/readyz` answer. */
  readonly probePort: string;
  readonly memory: { readonly request: string; readonly limit: string };
  readonly volumes: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean; readonly source: object }[];
}

/** One by one, and none goes before its successor is ready. */
const rolling = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };

const fromField = (fieldPath: string): object => ({ fieldRef: { apiVersion: 'v1', fieldPath } });

/** What the evaluation form means; in the output of the installation, on the Deployment and in the chart's notes. */
export const evaluationWarning =
  'evaluation form: one controller, and code packages and logs in SQLite on an emptyDir: they are gone with its pod; give a database with --database-secret';

export const databaseVariable = 'TSUMUGI_DATABASE_URL';
export const gatewayUrlVariable = 'TSUMUGI_GATEWAY_URL';
export const pullSecretsVariable = 'TSUMUGI_IMAGE_PULL_SECRETS';

export function controller(settings: InstallSettings): Manifest {
  const { databaseSecret, images, imagePullSecrets, gatewayUrl } = settings;
  const database = databaseSecret !== undefined;
  return deployment(settings.namespace, {
    component: 'controller',
    name: names.controller,
    replicas: database ? 2 : 1,
    image: images['tsumugi/platform'],
    imagePullSecrets,
    ...(!database && { annotations: { 'tsumugi.dev/records': evaluationWarning } }),
    // Two with a SQLite each would not know each other's packages.
    strategy: database ? rolling : { type: 'Recreate' },
    needsToken: true,
    env: [
      { name: 'TSUMUGI_SYSTEM_NAMESPACE', valueFrom: fromField('metadata.namespace') },
      { name: 'TSUMUGI_POD_NAME', valueFrom: fromField('metadata.name') },
      { name: 'TSUMUGI_IMAGES', value: imageNames.map((name) => `${name}=${images[name]}`).join(',') },
      ...(imagePullSecrets.length > 0 ? [{ name: pullSecretsVariable, value: imagePullSecrets.join(',') }] : []),
      ...(gatewayUrl !== undefined ? [{ name: gatewayUrlVariable, value: gatewayUrl }] : []),
      database
        ? { name: databaseVariable, valueFrom: { secretKeyRef: { name: databaseSecret, key: 'url' } } }
        : { name: 'TSUMUGI_DATA', value: '/data' },
    ],
    ports: { https: ports.platform, metrics: ports.metrics },
    probePort: 'metrics',
    memory: { request: '256Mi', limit: '1Gi' },
    volumes: database ? [] : [{ name: 'data', mountPath: '/data', source: { emptyDir: {} } }],
  });
}

export function gateway({ namespace, gateways, images, imagePullSecrets, domain }: InstallSettings): Manifest {
  const credentials = '/tsumugi/platform';
  return deployment(namespace, {
    component: 'gateway',
    name: names.gateway,
    replicas: gateways,
    image: images['tsumugi/platform'],
    imagePullSecrets,
    needsToken: false,
    env: [
      { name: 'TSUMUGI_PLATFORM', value: `https://${names.controllers}.${namespace}.svc:${ports.platform}` },
      { name: 'TSUMUGI_PLATFORM_CREDENTIALS', value: credentials },
      { name: 'TSUMUGI_DOMAIN', value: domain },
      { name: 'TSUMUGI_HOST', value: '0.0.0.0' },
      { name: 'TSUMUGI_PORT', value: String(ports.http) },
    ],
    ports: { http: ports.http, metrics: ports.metrics },
    probePort: 'http',
    memory: { request: '256Mi', limit: '1Gi' },
    // Made by the controller at its first start: until then the pod waits.
    volumes: [
      {
        name: 'platform',
        mountPath: credentials,
        readOnly: true,
        source: { secret: { secretName: secretNames.gateway, defaultMode: 0o440 } },
      },
    ],
  });
}

function deployment(namespace: string, workload: Workload): Manifest {
  const { component, name, replicas, annotations, strategy = rolling } = workload;
  return manifest(
    'apps/v1',
    'Deployment',
    component,
    { name, namespace, ...(annotations && { annotations }) },
    {
      spec: {
        replicas,
        strategy,
        selector: { matchLabels: selectorOf(component) },
        template: { metadata: { labels: labelsOf(component) }, spec: podSpec(workload) },
      },
    },
  );
}

function podSpec(workload: Workload): object {
  const { component, name, image, imagePullSecrets, needsToken, env, memory } = workload;
  // The root file system is read-only.
  const volumes = [...workload.volumes, { name: 'tmp', mountPath: '/tmp', source: { emptyDir: {} } }];
  const probe = (path: string, times: object): object => ({ httpGet: { path, port: workload.probePort }, timeoutSeconds: 3, ...times });
  return {
    serviceAccountName: name,
    automountServiceAccountToken: needsToken,
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((secret) => ({ name: secret })) }),
    enableServiceLinks: false,
    terminationGracePeriodSeconds: goodbyeSeconds + drainSeconds + marginSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) =>
      spread(component, topologyKey),
    ),
    containers: [
      {
        name: component,
        image,
        imagePullPolicy: 'IfNotPresent',
        args: [component],
        env,
        ports: Object.entries(workload.ports).map(([portName, containerPort]) => ({ name: portName, containerPort, protocol: 'TCP' })),
        startupProbe: probe('/healthz', { periodSeconds: 1, failureThreshold: 60 }),
        // A machine under load answers late: that is no reason to end what serves.
        livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 5 }),
        readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 2, timeoutSeconds: 2 }),
        lifecycle: { preStop: { sleep: { seconds: goodbyeSeconds } } },
        // No limit of CPU: one that throttles makes every request wait.
        resources: { requests: { cpu: '100m', memory: memory.request }, limits: { memory: memory.limit } },
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: volumes.map(({ name: volume, mountPath, readOnly }) => ({ name: volume, mountPath, ...(readOnly && { readOnly }) })),
      },
    ],
    volumes: volumes.map(({ name: volume, source }) => ({ name: volume, ...source })),
  };
}

/** Over nodes and zones where there are several; on one node all may be there. */
function spread(component: Component, topologyKey: string): object {
  return { maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: selectorOf(component) } };
}
