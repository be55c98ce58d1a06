/** Defaults of a Pod that OpenAPI does not tell; what the real server's admission adds (service account, tolerations) is left out. */
import { canonicalQuantity, parseQuantity } from '../quantity.ts';
import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  Pod,
  PodSpec,
  PodStatus,
  Probe,
  ResourceRequirements,
  Volume,
} from './pod-types.ts';

/** The object with `defaults` below what it has; itself when it has them all. */
function over<T extends object>(object: T, defaults: Partial<T>): T {
  const missing = Object.entries(defaults).filter(
    ([key, value]) => value !== undefined && (object as Record<string, unknown>)[key] === undefined,
  );
  return missing.length === 0 ? object : { ...object, ...(Object.fromEntries(missing) as Partial<T>) };
}

/** No tag or `latest`: the image may change, so it is looked up each time. */
function pullPolicy(image = ''): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

/** Without these fields where they say nothing: Go does not write them. */
function terse<T extends object>(object: T, ...fields: readonly (keyof T)[]): T {
  const silent = fields.filter((field) => object[field] === '' || object[field] === 0 || object[field] === false);
  if (silent.length === 0) return object;
  return Object.fromEntries(Object.entries(object).filter(([field]) => !silent.includes(field as keyof T))) as T;
}

const handler = <T extends Pick<Probe, 'httpGet'>>(given: T): T =>
  given.httpGet ? { ...given, httpGet: over(given.httpGet, { path: '/', scheme: 'HTTP' }) } : given;

const probe = (given: Probe | undefined): Probe | undefined =>
  given &&
  over(terse({ ...handler(given), ...(given.grpc && { grpc: over(given.grpc, { service: '' }) }) }, 'initialDelaySeconds'), {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });

function envVar(given: EnvVar): EnvVar {
  const { valueFrom: { fieldRef, resourceFieldRef } = {} } = given;
  const plain = terse(given, 'value');
  if (!fieldRef && !resourceFieldRef) return plain;
  return {
    ...plain,
    valueFrom: {
      ...given.valueFrom,
      ...(fieldRef && { fieldRef: over(fieldRef, { apiVersion: 'v1' }) }),
      ...(resourceFieldRef && { resourceFieldRef: over(resourceFieldRef, { divisor: '0' }) }),
    },
  };
}

const quantities = (given: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, canonicalQuantity(value)]));

const resources = ({ limits, requests, ...rest }: ResourceRequirements): ResourceRequirements => ({
  ...rest,
  ...(limits && { limits: quantities(limits) }),
  ...(requests && { requests: quantities(requests) }),
});

/** What is limited but not requested is requested to its limit. */
function requesting(given: Container): Container {
  const { limits, requests } = given.resources ?? {};
  return limits ? { ...given, resources: { ...given.resources, requests: { ...limits, ...requests } } } : given;
}

function container(given: Container): Container {
  const { env, lifecycle, livenessProbe, readinessProbe, startupProbe } = given;
  const probes = { livenessProbe: probe(livenessProbe), readinessProbe: probe(readinessProbe), startupProbe: probe(startupProbe) };
  const filled = over(given, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(given.image),
  });
  return {
    ...filled,
    ...(env && { env: env.map(envVar) }),
    ...(lifecycle && {
      lifecycle: Object.fromEntries(Object.entries(lifecycle).map(([hook, each]) => [hook, handler(each)])),
    }),
    ...(given.resources && { resources: resources(given.resources) }),
    ...(Object.fromEntries(Object.entries(probes).filter(([, value]) => value !== undefined)) as Partial<Container>),
  };
}

const fileMode = 0o644;

interface DownwardFiles {
  readonly items?: readonly object[];
}

/** Of which version of a pod the fields are. */
const withReferences = <T extends DownwardFiles>(files: T): T =>
  files.items ? { ...files, items: files.items.map((item) => envVarLike(item)) } : files;

function envVarLike(item: { fieldRef?: object }): object {
  return item.fieldRef ? { ...item, fieldRef: over(item.fieldRef, { apiVersion: 'v1' }) } : item;
}

function projection(source: { serviceAccountToken?: object; downwardAPI?: DownwardFiles }): object {
  const { serviceAccountToken: token, downwardAPI } = source;
  return {
    ...source,
    ...(token && { serviceAccountToken: over(token, { expirationSeconds: 3600 }) }),
    ...(downwardAPI && { downwardAPI: withReferences(downwardAPI) }),
  };
}

function volume(given: Volume): Volume {
  const { name: _, ...sources } = given;
  if (Object.keys(sources).length === 0) return { ...given, emptyDir: {} };
  return {
    ...given,
    ...(given.secret && { secret: over(given.secret, { defaultMode: fileMode }) }),
    ...(given.configMap && { configMap: over(given.configMap, { defaultMode: fileMode }) }),
    ...(given.downwardAPI && { downwardAPI: over(withReferences(given.downwardAPI), { defaultMode: fileMode }) }),
    ...(given.projected && {
      projected: over(
        { ...given.projected, ...(given.projected.sources && { sources: given.projected.sources.map(projection) }) },
        { defaultMode: fileMode },
      ),
    }),
    ...(given.hostPath && { hostPath: over(given.hostPath, { type: '' }) }),
  };
}

/** In the host's network a port is the host's. */
const onHost = (given: Container): Container =>
  given.ports ? { ...given, ports: given.ports.map((port) => over(port, { hostPort: port.containerPort })) } : given;

/** A state has all its times, null where it has none. */
function containerStatus(given: ContainerStatus): ContainerStatus {
  const timed = (state: ContainerState): ContainerState => ({
    ...state,
    ...(state.running && { running: over(state.running, { startedAt: null }) }),
    ...(state.terminated && { terminated: over(state.terminated, { startedAt: null, finishedAt: null }) }),
  });
  const { state, lastState } = given;
  return { ...given, ...(state && { state: timed(state) }), ...(lastState && { lastState: timed(lastState) }) };
}

/** One address is the first of all; where they differ, the one counts. A condition has all its times, null where it has none. */
function statusDefaults(status: PodStatus): PodStatus {
  const { podIP, podIPs, conditions, containerStatuses, initContainerStatuses } = status;
  const addresses = podIP && podIPs?.[0]?.ip !== podIP ? [{ ip: podIP }] : podIPs;
  return {
    ...status,
    ...(addresses?.[0]?.ip && { podIP: addresses[0].ip, podIPs: addresses }),
    ...(containerStatuses && { containerStatuses: containerStatuses.map(containerStatus) }),
    ...(initContainerStatuses && { initContainerStatuses: initContainerStatuses.map(containerStatus) }),
    ...(conditions && { conditions: conditions.map((condition) => over(condition, { lastProbeTime: null, lastTransitionTime: null })) }),
  };
}

/** Frozen specs that have all their defaults: most writes leave them as they are. */
const complete = new WeakSet<PodSpec>();

export function podDefaults(pod: Pod): Pod {
  const status = pod.status && statusDefaults(pod.status);
  const spec = complete.has(pod.spec) && Object.isFrozen(pod.spec) ? pod.spec : specDefaults(pod);
  complete.add(spec);
  return { ...pod, ...(status && { status }), spec };
}

function specDefaults(pod: Pod): PodSpec {
  const spec = over(podSpecDefaults(pod.spec ?? {}), { enableServiceLinks: true });
  const { containers, initContainers } = spec;
  return {
    ...spec,
    ...(Array.isArray(containers) && { containers: containers.map(requesting) }),
    ...(initContainers && { initContainers: initContainers.map(requesting) }),
  };
}

/** What a pod's spec and a template's have in common. */
export function podSpecDefaults(spec: PodSpec): PodSpec {
  const { containers, initContainers, volumes, terminationGracePeriodSeconds: grace, serviceAccountName: account } = spec;
  const filled = over(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...(account !== undefined && { serviceAccount: account }),
  });
  const hosted = (given: Container): Container => container(spec.hostNetwork ? onHost(given) : given);
  return {
    ...filled,
    ...(Array.isArray(containers) && { containers: containers.map(hosted) }),
    ...(initContainers && { initContainers: initContainers.map(hosted) }),
    ...(volumes && { volumes: volumes.map(volume) }),
    ...(grace !== undefined && grace < 0 && { terminationGracePeriodSeconds: 1 }),
  };
}

/** Guaranteed: all limited, by CPU and memory, to what they request. BestEffort: none says anything. */
export function qosClass(pod: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].map(({ resources }) => ({
    limits: resources?.limits ?? {},
    requests: resources?.requests ?? {},
  }));
  const named = (given: object): boolean => 'cpu' in given || 'memory' in given;
  if (!all.some(({ limits, requests }) => named(limits) || named(requests))) return 'BestEffort';
  const same = (a: string | number | undefined, b: string | number | undefined): boolean =>
    a !== undefined && b !== undefined && parseQuantity(a) === parseQuantity(b);
  const guaranteed = all.every(
    ({ limits, requests }) => same(limits['cpu'], requests['cpu']) && same(limits['memory'], requests['memory']),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
