/** Pods: what is filled in, what is refused, what may change, and their subresources. */
import type { Script } from './servers.ts';
import type { Loose } from './session.ts';

const container = (more: object = {}): object => ({ name: 'c', image: 'i:1', ...more });
const podOf = (spec: object, metadata: object = {}): object => ({
  metadata: { name: 'p', ...metadata },
  spec: { automountServiceAccountToken: false, containers: [container()], ...spec },
});

/** Each is only tried. */
const created =
  (...specs: readonly object[]): Script =>
  async (s) => {
    for (const spec of specs) await s.create('pods?dryRun=All', podOf(spec));
  };
const inContainer = (...all: readonly object[]): Script => created(...all.map((each) => ({ containers: [container(each)] })));

/** Each patch goes to a pod as it was made. */
const changed =
  (...patches: readonly object[]): Script =>
  async (s) => {
    const spec = {
      activeDeadlineSeconds: 50,
      tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
      initContainers: [container({ name: 'first' })],
      volumes: [{ name: 'v', emptyDir: {} }],
    };
    await s.create('pods', podOf(spec), { quiet: true });
    for (const patch of patches) await s.patch('strategic', 'pods/p?dryRun=All', patch);
  };

export const podCases: Readonly<Record<string, Script>> = {
  'defaults of the pod': created(
    {},
    { restartPolicy: 'OnFailure', dnsPolicy: 'Default', terminationGracePeriodSeconds: -3 },
    { hostNetwork: true, containers: [container({ ports: [{ containerPort: 80 }] })] },
    { hostPID: true, hostIPC: true },
    { securityContext: { runAsUser: 1, fsGroup: 2 } },
    { serviceAccountName: 'default' },
    { priority: 0 },
    { nodeSelector: { a: 'b' }, affinity: {} },
    { hostname: 'h', subdomain: 's', setHostnameAsFQDN: true },
    { enableServiceLinks: false, shareProcessNamespace: true },
    { hostAliases: [{ ip: '1.2.3.4', hostnames: ['a'] }] },
    { dnsConfig: { nameservers: ['1.2.3.4'], options: [{ name: 'n' }] } },
    {
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'k', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { a: 'b' } } },
      ],
    },
    { readinessGates: [{ conditionType: 'x.io/a' }] },
    { os: { name: 'linux' }, runtimeClassName: null },
    { overhead: null, preemptionPolicy: 'PreemptLowerPriority' },
  ),
  'defaults of containers': inContainer(
    { image: 'i' },
    { image: 'r.io:5000/i' },
    { image: 'i@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' },
    { image: 'i:latest' },
    { ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP', name: 'u' }] },
    { livenessProbe: { httpGet: { port: 80 } }, readinessProbe: { tcpSocket: { port: 'x' } }, startupProbe: { grpc: { port: 1 } } },
    { livenessProbe: { exec: { command: ['a'] }, initialDelaySeconds: 0, terminationGracePeriodSeconds: 4 } },
    { lifecycle: { postStart: { httpGet: { port: 80 } }, preStop: { exec: { command: ['a'] } } } },
    { lifecycle: { preStop: { sleep: { seconds: 3 } } } },
    { env: [{ name: 'A' }, { name: 'B', value: '' }, { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }] },
    { resources: { limits: { cpu: '0.5', memory: '1Gi' } } },
    { resources: { requests: { cpu: '100m' } } },
    { securityContext: { privileged: true, capabilities: { add: ['A'], drop: ['ALL'] } } },
    { securityContext: { procMount: 'Default', seccompProfile: { type: 'RuntimeDefault' } } },
    { tty: true, stdin: true, stdinOnce: true, workingDir: '/w' },
    { command: [], args: ['a'] },
    { terminationMessagePolicy: 'FallbackToLogsOnError', terminationMessagePath: '/x' },
    { imagePullPolicy: 'Never' },
  ),
  'defaults of volumes': created(
    { volumes: [{ name: 'v' }] },
    {
      volumes: [
        { name: 'v', secret: { secretName: 's' } },
        { name: 'c', configMap: { name: 'c' } },
        { name: 'h', hostPath: { path: '/a' } },
      ],
    },
    { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 's' } }, { serviceAccountToken: { path: 't' } }] } }] },
    { volumes: [{ name: 'v', downwardAPI: { items: [{ path: 'a', fieldRef: { fieldPath: 'metadata.name' } }] } }] },
    { volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } }] },
    { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] },
    { volumes: [{ name: 'v', nfs: { server: 's', path: '/p' } }] },
  ),
  'pods that are refused': created(
    { containers: [] },
    { containers: null },
    { containers: [container(), container()] },
    { initContainers: [container()] },
    { containers: [{ name: 'C_', image: 'i' }] },
    { containers: [{ image: 'i' }] },
    { containers: [{ name: 'c' }] },
    { restartPolicy: 'Sometimes' },
    { dnsPolicy: 'Nonsense' },
    { dnsPolicy: 'None' },
    { activeDeadlineSeconds: 0 },
    { activeDeadlineSeconds: -1 },
    { nodeName: 'A b' },
    { hostname: 'a.b' },
    { subdomain: 'A' },
    { nodeSelector: { 'a b': 'c d' } },
    { tolerations: [{}] },
    { tolerations: [{ key: 'a b' }] },
    { tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] },
    { tolerations: [{ key: 'a', effect: 'NoSchedule', tolerationSeconds: 4 }] },
    { volumes: [{ name: 'v' }, { name: 'v' }] },
    { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/a' } }] },
    { volumes: [{ name: 'v', hostPath: { path: '' } }] },
    { volumes: [{ name: 'v', hostPath: { path: '/a/../b' } }] },
    { volumes: [{ name: 'v', secret: {} }] },
    { volumes: [{ name: 'v', configMap: {} }] },
    { volumes: [{ name: 'v', secret: { secretName: 's', defaultMode: 1000 } }] },
    { volumes: [{ name: 'v', secret: { secretName: 's', items: [{ key: '', path: '../x' }] } }] },
    { volumes: [{ name: 'v', persistentVolumeClaim: {} }] },
    { volumes: [{ name: 'v', emptyDir: { sizeLimit: '-1' } }] },
    { hostAliases: [{ ip: 'x' }] },
    { readinessGates: [{ conditionType: 'a b' }] },
    { terminationGracePeriodSeconds: -5 },
    { shareProcessNamespace: true, hostPID: true },
    { hostNetwork: true, containers: [container({ ports: [{ containerPort: 80, hostPort: 81 }] })] },
    { securityContext: { runAsUser: -1, fsGroup: -2, supplementalGroups: [-1] } },
    { ephemeralContainers: [{ name: 'e', image: 'i' }] },
  ),
  'containers that are refused': inContainer(
    { image: ' i' },
    { imagePullPolicy: 'Sometimes' },
    { ports: [{ containerPort: 0 }] },
    { ports: [{ containerPort: 80, protocol: 'X', name: 'A_very_long_port_name' }] },
    {
      ports: [
        { containerPort: 80, name: 'a' },
        { containerPort: 81, name: 'a' },
      ],
    },
    { ports: [{ containerPort: 80, hostPort: 70000 }] },
    {
      ports: [
        { containerPort: 80, hostPort: 5 },
        { containerPort: 81, hostPort: 5 },
      ],
    },
    { env: [{ name: '' }] },
    { env: [{ name: 'a=b' }] },
    { env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] },
    { env: [{ name: 'A', valueFrom: {} }] },
    { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'nonsense' } } }] },
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: '', key: '' } } }] },
    { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'A b', key: 'a b' } } }] },
    { envFrom: [{}] },
    { envFrom: [{ configMapRef: { name: 'a' }, secretRef: { name: 'b' } }] },
    { envFrom: [{ prefix: 'a=', configMapRef: { name: 'a' } }] },
    { volumeMounts: [{ name: 'none', mountPath: '/a' }] },
    { volumeMounts: [{ name: '', mountPath: '' }] },
    { resources: { limits: { cpu: '-1' } } },
    { resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } },
    { resources: { limits: { nonsense: '1' } } },
    { livenessProbe: {} },
    { livenessProbe: { exec: {} } },
    { livenessProbe: { httpGet: { port: 0, path: '' } } },
    { livenessProbe: { httpGet: { port: 'A_' } } },
    { livenessProbe: { tcpSocket: { port: 80 }, exec: { command: ['a'] } } },
    { livenessProbe: { exec: { command: ['a'] }, periodSeconds: -1, timeoutSeconds: -1, successThreshold: 2, failureThreshold: -1 } },
    { livenessProbe: { exec: { command: ['a'] }, terminationGracePeriodSeconds: 0 } },
    { readinessProbe: { exec: { command: ['a'] }, terminationGracePeriodSeconds: 5 } },
    { lifecycle: { postStart: {} } },
    { securityContext: { runAsUser: -1, runAsGroup: -1 } },
    { terminationMessagePolicy: 'X' },
    { restartPolicy: 'Never' },
  ),
  'what may change': changed(
    { spec: { containers: [{ name: 'c', image: 'j:2' }] } },
    { spec: { initContainers: [{ name: 'first', image: 'j:2' }] } },
    { spec: { activeDeadlineSeconds: 40 } },
    { spec: { tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 9 }] } },
    { metadata: { labels: { a: 'b' }, annotations: { a: 'b' }, finalizers: ['x.io/a'] } },
    { status: { phase: 'Running' } },
  ),
  'what may not change': changed(
    { spec: { activeDeadlineSeconds: 60 } },
    { spec: { activeDeadlineSeconds: null } },
    { spec: { activeDeadlineSeconds: -4 } },
    { spec: { containers: [{ name: 'new', image: 'i' }] } },
    { spec: { initContainers: [{ name: 'first', $patch: 'delete' }] } },
    { spec: { containers: [{ name: 'c', image: '' }] } },
    { spec: { containers: [{ name: 'c', imagePullPolicy: 'Always' }] } },
    { spec: { containers: [{ name: 'c', env: [{ name: 'A', value: 'b' }] }] } },
    { spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1' } } }] } },
    { spec: { restartPolicy: 'Never' } },
    { spec: { terminationGracePeriodSeconds: 5 } },
    { spec: { nodeSelector: { a: 'b' } } },
    { spec: { volumes: [{ name: 'w', emptyDir: {} }] } },
    { spec: { tolerations: [] } },
    { spec: { securityContext: { runAsUser: 5 } } },
    { spec: { hostNetwork: true } },
    { spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] } },
    { spec: { serviceAccountName: 'other' } },
    { spec: { schedulingGates: [{ name: 'x.io/a' }] } },
  ),
  'a node keeps the status that it is created with': async (s) => {
    const conditions = [
      { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    const node = { metadata: { name: `node-${s.namespace}` }, status: { conditions, capacity: { cpu: '2' } } };
    const { body } = await s.create('nodes?dryRun=All', node, { quiet: true });
    const { capacity, conditions: kept } = body['status'] as Loose;
    s.note('status', { capacity, kept });
  },
  status: async (s) => {
    await s.create('pods', podOf({}), { quiet: true });
    const at = '2026-01-01T00:00:00Z';
    const patch = (status: object): Promise<unknown> => s.patch('merge', 'pods/p/status', { status });
    await patch({ phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] });
    await patch({ podIPs: [{ ip: '10.0.0.2' }] });
    await patch({ podIP: null });
    await patch({ podIP: null, podIPs: [{ ip: '10.0.0.3' }] });
    await patch({ podIP: null, podIPs: null });
    await patch({
      containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state: { running: { startedAt: at } } }],
    });
    await patch({
      containerStatuses: [
        {
          name: 'c',
          image: 'i',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { running: {} },
          lastState: { terminated: { exitCode: 1 } },
        },
      ],
    });
    await patch({ phase: 'Nonsense' });
    await patch({ unknown: 1 });
    await patch({ qosClass: 'Guaranteed' });
    await patch({ qosClass: null });
    await s.patch('merge', 'pods/p/status', { status: null });
    await s.patch('merge', 'pods/p/status', { spec: { containers: [] }, metadata: { labels: { a: 'b' } } });
    await s.get('pods/p/status');
  },
};
