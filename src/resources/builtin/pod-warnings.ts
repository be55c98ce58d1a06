/** What the API server lets pass in a new pod, with a word of warning. */
import { dnsLabel } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import type { Container, Pod, PodSpec } from './pod-types.ts';

/** Labels of nodes that have other names by now. */
const oldLabels: Readonly<Record<string, readonly [since: string, instead: string]>> = {
  'beta.kubernetes.io/arch': ['v1.14', 'kubernetes.io/arch'],
  'beta.kubernetes.io/os': ['v1.14', 'kubernetes.io/os'],
  'beta.kubernetes.io/instance-type': ['v1.17', 'node.kubernetes.io/instance-type'],
  'failure-domain.beta.kubernetes.io/region': ['v1.17', 'topology.kubernetes.io/region'],
  'failure-domain.beta.kubernetes.io/zone': ['v1.17', 'topology.kubernetes.io/zone'],
};

const oldVolumes: Readonly<Record<string, string>> = {
  cephfs: 'cephfs: deprecated in v1.28, non-functional in v1.31+',
  flocker: 'flocker: deprecated in v1.22, non-functional in v1.25+',
  gitRepo: 'gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
  glusterfs: 'glusterfs: deprecated in v1.25, non-functional in v1.26+',
  photonPersistentDisk: 'photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+',
  quobyte: 'quobyte: deprecated in v1.22, non-functional in v1.25+',
  rbd: 'rbd: deprecated in v1.28, non-functional in v1.31+',
  scaleIO: 'scaleIO: deprecated in v1.16, non-functional in v1.22+',
  storageos: 'storageOS: deprecated in v1.22, non-functional in v1.25+',
};

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined => (Object.hasOwn(table, key) ? table[key] : undefined);

export function podWarnings({ metadata, spec }: Pod): string[] {
  const hostname = dnsLabel(metadata.name);
  return [
    ...(hostname.length > 0
      ? [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${hostname.join(', ')}]`,
        ]
      : []),
    ...podSpecWarnings(spec, 'spec'),
  ];
}

/** Of a pod's spec, or of a template's: `at` is where it stands. */
export function podSpecWarnings(spec: PodSpec, at: string): string[] {
  const containers = containersOf(spec, at);
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((key) => {
      const [since, instead] = own(oldLabels, key) ?? [];
      return since ? [`${at}.nodeSelector[${key}]: deprecated since ${since}; use "${instead}" instead`] : [];
    }),
    ...(spec.volumes ?? []).flatMap((volume, index) =>
      Object.keys(volume).flatMap((source) => (own(oldVolumes, source) ? [`${at}.volumes[${index}].${own(oldVolumes, source)}`] : [])),
    ),
    ...secretWarnings(spec.imagePullSecrets ?? [], at),
    ...containers.flatMap(([container, field]) => containerWarnings(container, field)),
    ...portWarnings(containers),
  ];
}

const containersOf = ({ initContainers = [], containers }: PodSpec, at: string): [Container, string][] => [
  ...initContainers.map((container, index): [Container, string] => [container, `${at}.initContainers[${index}]`]),
  ...containers.map((container, index): [Container, string] => [container, `${at}.containers[${index}]`]),
];

function secretWarnings(secrets: readonly { readonly name?: string }[], at: string): string[] {
  const names = secrets.map(({ name = '' }) => name);
  return [
    ...names.flatMap((name, index) =>
      names.indexOf(name) < index ? [`${at}.imagePullSecrets[${index}].name: duplicate name ${JSON.stringify(name)}`] : [],
    ),
    ...names.flatMap((name, index) => (name === '' ? [`${at}.imagePullSecrets[${index}].name: invalid empty name ""`] : [])),
  ];
}

/** Bytes come in whole numbers. */
const countedInBytes = (resource: string): boolean => ['memory', 'ephemeral-storage'].includes(resource);

function containerWarnings({ env = [], resources = {} }: Container, at: string): string[] {
  const names = env.map(({ name }) => name);
  const { limits, requests } = resources;
  return [
    ...names.flatMap((name, index) =>
      names.indexOf(name) < index
        ? [`${at}.env[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`]
        : [],
    ),
    ...Object.entries({ limits, requests }).flatMap(([which, amounts]) =>
      Object.entries(amounts ?? {})
        .filter(([resource, amount]) => countedInBytes(resource) && !Number.isInteger(parseQuantity(amount)))
        .map(
          ([resource, amount]) => `${at}.resources.${which}[${resource}]: fractional byte value "${amount}" is invalid, must be an integer`,
        ),
    ),
  ];
}

function portWarnings(containers: readonly (readonly [Container, string])[]): string[] {
  const ports = containers.flatMap(([{ ports = [] }, at]) => ports.map((port, index) => ({ ...port, at: `${at}.ports[${index}]` })));
  return ports.flatMap((port, index) => {
    const before = ports
      .slice(0, index)
      .filter(({ containerPort, protocol }) => containerPort === port.containerPort && protocol === port.protocol);
    return before.flatMap(({ hostPort, at }) => {
      if (hostPort === port.hostPort) return [`${port.at}: duplicate port definition with ${at}`];
      // A port of the node, or none: of two different ones neither is in the way.
      return hostPort === undefined || port.hostPort === undefined ? [`${port.at}: overlapping port definition with ${at}`] : [];
    });
  });
}
