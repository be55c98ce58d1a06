/** The pod of a pool, on one machine and on Kubernetes. */
import { nameSuffix } from '../../base/ids.ts';
import type { Container, Pod, ResourceRequirements, Volume } from '../../resources/builtin/pod-types.ts';
import { parseQuantity } from '../../resources/quantity.ts';
import type { PodFields } from '../../resources/pod-fields.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';
import { label, ownedBy } from './names.ts';
import { framePort } from './network-policy.ts';
import type { Pool } from './pools.ts';

/** What pods need where a kubelet starts them, and nobody tells them who they are over a life-line. */
export interface KubernetesPods {
  /** The platform's Ed25519 key, base64url of the raw 32 bytes: whom the pods obey. */
  readonly publicKey: string;
  /** Name in manifests -> reference that the nodes know; a name without one is taken as it stands. */
  readonly images: ReadonlyMap<string, string>;
  /** Names of Secrets that all pods may be pulled with, where their namespace has them. */
  readonly imagePullSecrets?: readonly string[] | undefined;
}

type Amounts = Readonly<Record<string, string | number>>;

/** The package is unpacked here: the process's working folder. */
const workFolder = '/work';
/** The shim writes here what comes with SPECIALIZE. */
const configFolders = ['secrets', 'configs'];
const nonRoot = 65_532;
/** Of a generic pod that waits; a kubelet would else reserve the whole limit for each. */
const leastRequests = { cpu: '10m', memory: '64Mi' };

/** The image of a pod of this runtime, less the pool says another. */
export function podImage(
  runtime: RuntimeResource,
  kubernetes: Pick<KubernetesPods, 'images'> | undefined,
  { image }: PodFields = {},
): string {
  const name = image ?? runtime.spec.image;
  return kubernetes?.images.get(name) ?? name;
}

/** Whether a pod that waits was made as it would be made now. One that cannot be pulled would else wait for ever for a secret that it does not name. */
export function isUpToDate({ spec }: Pod, pool: Pick<Pool, 'pod'>, runtime: RuntimeResource, kubernetes?: KubernetesPods): boolean {
  const now = pullSecrets(pool, runtime, kubernetes).map(({ name }) => name);
  const has = spec.imagePullSecrets?.map(({ name }) => name) ?? [];
  // (Those of its service account are added to a pod that names none.)
  return spec.containers[0]?.image === podImage(runtime, kubernetes, pool.pod) && now.every((name) => has.includes(name));
}

/** Each once. */
function pullSecrets(
  { pod }: Pick<Pool, 'pod'>,
  { spec }: RuntimeResource,
  kubernetes?: KubernetesPods,
): readonly { readonly name: string }[] {
  const all = [
    ...(kubernetes?.imagePullSecrets ?? []),
    ...[...(spec.imagePullSecrets ?? []), ...(pod.imagePullSecrets ?? [])].map(({ name }) => name),
  ];
  return [...new Set(all)].map((name) => ({ name }));
}

/** A pod that waits for a function. */
export function poolPod(pool: Omit<Pool, 'key'>, runtime: RuntimeResource, kubernetes?: KubernetesPods): Pod {
  const { serviceAccountName, volumes = [], volumeMounts = [] } = pool.pod;
  const imagePullSecrets = pullSecrets(pool, runtime, kubernetes);
  const resources = merged(runtime.spec.resources, pool.pod.resources);
  const container: Container = {
    name: 'function',
    image: podImage(runtime, kubernetes, pool.pod),
    ...(resources && { resources }),
    ...(volumeMounts.length > 0 && { volumeMounts }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: pool.namespace,
      name: `${runtime.metadata.name}-${nameSuffix(10)}`,
      labels: { [label.runtime]: runtime.metadata.name, ...(pool.hash !== undefined && { [label.pool]: pool.hash }) },
      ownerReferences: [ownedBy(runtime)],
    },
    spec: {
      restartPolicy: 'Never',
      // User code has no identity but one that its function asks for.
      automountServiceAccountToken: serviceAccountName !== undefined,
      ...(serviceAccountName !== undefined && { serviceAccountName }),
      ...(imagePullSecrets.length > 0 && { imagePullSecrets }),
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 30,
      ...(kubernetes
        ? onKubernetes(container, volumes, kubernetes.publicKey)
        : { containers: [container], ...(volumes.length > 0 && { volumes }) }),
    },
  };
}

/**
 * As the restricted Pod Security Standard wants it; it can write to its working folder and to /tmp, and in memory to where the files of
 * Secrets and ConfigMaps are.
 */
function onKubernetes(container: Container, volumes: readonly Volume[], publicKey: string): Omit<Pod['spec'], 'restartPolicy'> {
  return {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: nonRoot,
      runAsGroup: nonRoot,
      fsGroup: nonRoot,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        ...container,
        imagePullPolicy: 'IfNotPresent',
        workingDir: workFolder,
        ports: [{ name: 'frames', containerPort: framePort }],
        env: [
          { name: 'TSUMUGI_POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
          { name: 'TSUMUGI_POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'TSUMUGI_LISTEN', value: `tcp:$(TSUMUGI_POD_IP):${framePort}` },
          { name: 'TSUMUGI_PUBLIC_KEY', value: publicKey },
        ],
        resources: withRequests(container.resources),
        volumeMounts: [
          { name: 'tsumugi-work', mountPath: workFolder },
          { name: 'tsumugi-tmp', mountPath: '/tmp' },
          ...configFolders.map((name) => ({ name: `tsumugi-${name}`, mountPath: `/${name}` })),
          ...(container.volumeMounts ?? []),
        ],
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      },
    ],
    volumes: [
      { name: 'tsumugi-work', emptyDir: {} },
      { name: 'tsumugi-tmp', emptyDir: {} },
      ...configFolders.map((name) => ({ name: `tsumugi-${name}`, emptyDir: { medium: 'Memory' } })),
      ...volumes,
    ],
  };
}

/** The function's own, and for what it leaves open the runtime's: but what the runtime requests never keeps a function from a lower limit. */
function merged(theirs: ResourceRequirements | undefined, own: ResourceRequirements | undefined): ResourceRequirements | undefined {
  if (!own) return theirs;
  const limits = { ...theirs?.limits, ...own.limits };
  const requests = { ...within(theirs?.requests ?? {}, limits), ...own.requests };
  return { limits, ...(Object.keys(requests).length > 0 && { requests }) };
}

/** Each, but not above its limit. */
function within(requests: Amounts, limits: Amounts = {}): Amounts {
  const lower = ([name, wanted]: readonly [string, string | number]): readonly [string, string | number] => {
    const limit = limits[name];
    return [name, limit !== undefined && (parseQuantity(limit) ?? 0) < (parseQuantity(wanted) ?? 0) ? limit : wanted];
  };
  return Object.fromEntries(Object.entries(requests).map(lower));
}

/** A request above its limit would be refused: where the limit is lower, it is the request. */
function withRequests({ limits, requests }: ResourceRequirements = {}): ResourceRequirements {
  return { ...(limits && { limits }), requests: { ...within(leastRequests, limits), ...requests } };
}
