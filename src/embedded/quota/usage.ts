/** What an object takes of a quota, and what all of a namespace do. */
import type { Container, Pod } from '../../resources/builtin/pod-types.ts';
import { qosClass } from '../../resources/builtin/pod-defaults.ts';
import type { ResourceQuota, ScopeRequirement } from '../../resources/builtin/quota.ts';
import type { PersistentVolumeClaim } from '../../resources/builtin/volumes.ts';
import type { KubeObject } from '../../resources/object.ts';
import { amountsOf, amountText, most, none, one, sum } from './amounts.ts';
import type { Amounts } from './amounts.ts';

/** Kinds that are counted by their plural alone, too. */
const byPlural = new Set(['configmaps', 'persistentvolumeclaims', 'resourcequotas', 'secrets', 'services']);
const ofClass = '.storageclass.storage.k8s.io/';

/** `resource`: `pods`, `jobs.batch`. By the names that quotas use. */
export function usageOf(resource: string, object: KubeObject): Amounts {
  const counts = { [`count/${resource}`]: one, ...(byPlural.has(resource) && { [resource]: one }) };
  if (resource === 'pods') return { ...counts, ...ofPod(object as Pod) };
  if (resource === 'persistentvolumeclaims') return { ...counts, ...ofClaim(object) };
  return counts;
}

function ofClaim({ spec }: PersistentVolumeClaim): Amounts {
  const { storage } = amountsOf(spec?.resources?.requests);
  const { storageClassName: name } = spec ?? {};
  return {
    ...(storage && { 'requests.storage': storage }),
    ...(name && { [`${name}${ofClass}persistentvolumeclaims`]: one, ...(storage && { [`${name}${ofClass}requests.storage`]: storage }) }),
  };
}

function ofPod(pod: Pod): Amounts {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return {};
  const list = (field: 'requests' | 'limits') => (container: Container) => amountsOf(container.resources?.[field]);
  const needs = (field: 'requests' | 'limits'): Amounts =>
    most([sum(pod.spec.containers.map(list(field))), ...(pod.spec.initContainers ?? []).map(list(field))]);
  const named = (prefix: string, amounts: Amounts): Amounts =>
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [prefix + name, amount]));
  const requests = needs('requests');
  const plain = Object.fromEntries(Object.entries(requests).filter(([name]) => ['cpu', 'memory', 'ephemeral-storage'].includes(name)));
  return { pods: one, ...plain, ...named('requests.', requests), ...named('limits.', needs('limits')) };
}

/** The quota counts this object. */
export function isCounted({ spec }: ResourceQuota, resource: string, object: KubeObject): boolean {
  const requirements: readonly ScopeRequirement[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  return requirements.length === 0 || (resource === 'pods' && requirements.every((each) => isInScope(each, object as Pod)));
}

function isInScope({ scopeName, operator, values = [] }: ScopeRequirement, pod: Pod): boolean {
  const isBestEffort = qosClass(pod) === 'BestEffort';
  switch (scopeName) {
    case 'BestEffort':
      return isBestEffort;
    case 'NotBestEffort':
      return !isBestEffort;
    case 'Terminating':
      return pod.spec.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return pod.spec.activeDeadlineSeconds === undefined;
    case 'PriorityClass': {
      const { priorityClassName: name = '' } = pod.spec as { priorityClassName?: string };
      if (operator === 'Exists') return name !== '';
      if (operator === 'DoesNotExist') return name === '';
      return values.includes(name) === (operator === 'In');
    }
    default:
      return false;
  }
}

const always = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/** `requests.cpu for: main; …`: what the quota needs to be told of a pod, and is not. */
export function unspecified({ spec }: ResourceQuota, pod: Pod): string {
  const missing = always
    .filter((name) => Object.hasOwn(spec?.hard ?? {}, name))
    .flatMap((name) => {
      const [list, resource] = name.startsWith('limits.')
        ? (['limits', name.slice(7)] as const)
        : (['requests', name.replace('requests.', '')] as const);
      const without = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].filter(
        ({ resources }) => resources?.[list]?.[resource] === undefined,
      );
      return without.length === 0
        ? []
        : [
            `${name} for: ${without
              .map((container) => container.name)
              .toSorted()
              .join(',')}`,
          ];
    });
  return missing.toSorted().join('; ');
}

/** The resources, by `pods` or `jobs.batch`, of which a quota must know all objects. */
export function resourcesOf(quota: ResourceQuota): ReadonlySet<string> {
  const found = Object.keys(quota.spec?.hard ?? {}).flatMap((name) => {
    if (name.startsWith('count/')) return [name.slice('count/'.length)];
    if (name.includes(ofClass) || name === 'requests.storage') return ['persistentvolumeclaims'];
    return byPlural.has(name) ? [name] : ['pods'];
  });
  return new Set(found);
}

/** How much of what the quota limits there is. `rows`: all objects of each of its resources. */
export function used(quota: ResourceQuota, rows: ReadonlyMap<string, readonly KubeObject[]>): Amounts {
  const all = [...rows].flatMap(([resource, objects]) =>
    objects.filter((object) => isCounted(quota, resource, object)).map((object) => usageOf(resource, object)),
  );
  const total = sum(all);
  return Object.fromEntries(Object.keys(quota.spec?.hard ?? {}).map((name) => [name, total[name] ?? none]));
}

/** `{hard, used}` as the status has it. */
export const quotaStatus = (quota: ResourceQuota, amounts: Amounts): NonNullable<ResourceQuota['status']> => ({
  hard: quota.spec?.hard ?? {},
  used: Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amountText(amount)])),
});
