/** The pod of a pool, on one machine and on Kubernetes. */
import { nameSuffix } from '../../base/ids.ts';
import type { Container, Pod, ResourceRequirements } from '../../resources/builtin/pod-types.ts';
import { parseQuantity } from '../../resources/quantity.ts';
import type { RuntimeResource } from '../../resources/runtime.ts';
import { label, ownedBy } from './names.ts';
import { framePort } from './network-policy.ts';

/** What pods need where a kubelet starts them, and nobody tells them who they are over a life-line. */
export interface KubernetesPods {
  /** The platform's Ed25519 key, base64url of the raw 32 bytes: whom the pods obey. */
  readonly publicKey: string;
  /** Name in manifests -> reference that the nodes know; a name without one is taken as it stands. */
  readonly images: ReadonlyMap<string, string>;
}

/** The package is unpacked here: the process's working folder. */
const workFolder = '/work';
const nonRoot = 65_532;
/** Of a generic pod that waits; a kubelet would else reserve the whole limit for each. */
const leastRequests = { cpu: '10m', memory: '64Mi' };

/** The image of a pod of this runtime. */
export function podImage(runtime: RuntimeResource, kubernetes: KubernetesPods | undefined): string {
  return kubernetes?.images.get(runtime.spec.image) ?? runtime.spec.image;
}

/** A pod that waits for a function. */
export function poolPod(namespace: string, runtime: RuntimeResource, kubernetes?: KubernetesPods): Pod {
  const { resources } = runtime.spec;
  const container: Container = {
    name: 'function',
    image: podImage(runtime, kubernetes),
    ...(resources && { resources }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      name: `${runtime.metadata.name}-${nameSuffix(10)}`,
      labels: { [label.runtime]: runtime.metadata.name },
      ownerReferences: [ownedBy(runtime)],
    },
    spec: {
      restartPolicy: 'Never',
      // User code has no identity of its own.
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 30,
      ...(kubernetes ? onKubernetes(container, kubernetes.publicKey) : { containers: [container] }),
    },
  };
}

/** As the restricted Pod Security Standard wants it; it can write to its working folder and to /tmp. */
function onKubernetes(container: Container, publicKey: string): Omit<Pod['spec'], 'restartPolicy'> {
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
          { name: 'work', mountPath: workFolder },
          { name: 'tmp', mountPath: '/tmp' },
        ],
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      },
    ],
    volumes: [
      { name: 'work', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ],
  };
}

/** A request above its limit would be refused: where the limit is lower, it is the request. */
function withRequests({ limits, requests }: ResourceRequirements = {}): ResourceRequirements {
  const least = Object.entries(leastRequests).map(([name, wanted]) => {
    const limit = limits?.[name];
    return [name, limit !== undefined && (parseQuantity(limit) ?? 0) < (parseQuantity(wanted) ?? 0) ? limit : wanted] as const;
  });
  return { ...(limits && { limits }), requests: { ...Object.fromEntries(least), ...requests } };
}
