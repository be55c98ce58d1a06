/** Defaults of a Pod that OpenAPI does not tell; what the real server's admission adds (service account, tolerations) is left out. */
import { canonicalQuantity, parseQuantity } from '../quantity.ts';
import type { Container, EnvVar, Pod, PodStatus, Probe, ResourceRequirements, Volume } from './pod-types.ts';

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

const probe = (given: Probe | undefined): Probe | undefined =>
  given &&
  over(given.httpGet ? { ...given, httpGet: over(given.httpGet, { path: '/', scheme: 'HTTP' }) } : given, {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });

const envVar = (given: EnvVar): EnvVar =>
  given.valueFrom?.fieldRef
    ? { ...given, valueFrom: { ...given.valueFrom, fieldRef: over(given.valueFrom.fieldRef, { apiVersion: 'v1' }) } }
    : given;

const quantities = (given: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, canonicalQuantity(value)]));

/** What is limited but not requested is requested to its limit. */
function resources({ limits, requests, ...rest }: ResourceRequirements): ResourceRequirements {
  const all = { ...(limits && quantities(limits)), ...(requests && quantities(requests)) };
  return { ...rest, ...(limits && { limits: quantities(limits) }), ...(Object.keys(all).length > 0 && { requests: all }) };
}

function container(given: Container): Container {
  const { env, livenessProbe, readinessProbe, startupProbe } = given;
  const probes = { livenessProbe: probe(livenessProbe), readinessProbe: probe(readinessProbe), startupProbe: probe(startupProbe) };
  const filled = over(given, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(given.image),
  });
  return {
    ...filled,
    ...(env && { env: env.map(envVar) }),
    ...(given.resources && { resources: resources(given.resources) }),
    ...(Object.fromEntries(Object.entries(probes).filter(([, value]) => value !== undefined)) as Partial<Container>),
  };
}

const fileMode = 0o644;

function volume(given: Volume): Volume {
  const { name: _, ...sources } = given;
  if (Object.keys(sources).length === 0) return { ...given, emptyDir: {} };
  return {
    ...given,
    ...(given.secret && { secret: over(given.secret, { defaultMode: fileMode }) }),
    ...(given.configMap && { configMap: over(given.configMap, { defaultMode: fileMode }) }),
    ...(given.downwardAPI && { downwardAPI: over(given.downwardAPI, { defaultMode: fileMode }) }),
    ...(given.projected && { projected: over(given.projected, { defaultMode: fileMode }) }),
    ...(given.hostPath && { hostPath: over(given.hostPath, { type: '' }) }),
  };
}

/** One address is the first of all; where they differ, the one counts. A condition has all its times, null where it has none. */
function statusDefaults(status: PodStatus): PodStatus {
  const { podIP, podIPs, conditions } = status;
  const addresses = podIP && podIPs?.[0]?.ip !== podIP ? [{ ip: podIP }] : podIPs;
  return {
    ...status,
    ...(addresses?.[0]?.ip && { podIP: addresses[0].ip, podIPs: addresses }),
    ...(conditions && { conditions: conditions.map((condition) => over(condition, { lastProbeTime: null, lastTransitionTime: null })) }),
  };
}

export function podDefaults(pod: Pod): Pod {
  const spec = pod.spec ?? {};
  const { containers, initContainers, volumes, terminationGracePeriodSeconds: grace, serviceAccountName: account } = spec;
  const filled = over(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    ...(account !== undefined && { serviceAccount: account }),
  });
  return {
    ...pod,
    ...(pod.status && { status: statusDefaults(pod.status) }),
    spec: {
      ...filled,
      ...(Array.isArray(containers) && { containers: containers.map(container) }),
      ...(initContainers && { initContainers: initContainers.map(container) }),
      ...(volumes && { volumes: volumes.map(volume) }),
      ...(grace !== undefined && grace < 0 && { terminationGracePeriodSeconds: 1 }),
    },
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
