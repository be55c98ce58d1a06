/** ResourceQuota: how much there may be of what in a namespace. */
import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import { invalid, required } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import { qualifiedName } from '../names.ts';
import type { KubeObject } from '../object.ts';
import { canonicalQuantity, parseQuantity } from '../quantity.ts';
import { resourceQuotas } from '../resources.ts';
import { defineBuiltin } from './define.ts';

type Quantities = Readonly<Record<string, string | number>>;

export interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

export interface ResourceQuota extends KubeObject {
  readonly spec?: {
    readonly hard?: Quantities;
    readonly scopes?: readonly string[];
    readonly scopeSelector?: { readonly matchExpressions?: readonly ScopeRequirement[] };
  };
  readonly status?: { readonly hard?: Quantities; readonly used?: Quantities };
}

/** Counted one by one. */
const counted = [
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
  'services.loadbalancers',
  'services.nodeports',
];
const amounts = [
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'requests.storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
];
const standard = new Set([...counted, ...amounts]);
const isQualified = (name: string): boolean => name.includes('/') || /^(requests\.|limits\.)?hugepages-/.test(name);

const scopes = [
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];
const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
/** What each scope may be put on. */
const ofPods = new Set(['pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);
const ofBestEffort = new Set(['pods']);

function resourceErrors(name: string, amount: string | number): FieldError[] {
  const at = `spec.hard[${name}]`;
  const errors = qualifiedName(name).map((says) => invalid(at, name, says));
  if (errors.length === 0 && !name.includes('/') && !standard.has(name)) {
    if (!isQualified(name))
      errors.push(
        invalid(at, name, 'must be a standard resource type or fully qualified'),
        invalid(at, name, 'must be a standard resource for quota'),
      );
  }
  const value = parseQuantity(amount) ?? 0;
  const text = canonicalQuantity(amount);
  if (value < 0) errors.push(invalid(at, text, 'must be greater than or equal to 0'));
  if ((counted.includes(name) || name.startsWith('count/')) && !Number.isInteger(value))
    errors.push(invalid(at, text, 'must be an integer'));
  return errors;
}

function scopeErrors(spec: NonNullable<ResourceQuota['spec']>): FieldError[] {
  const { scopes: named = [], hard = {} } = spec;
  if (named.length === 0) return [];
  const at = 'spec.scopes';
  const errors: FieldError[] = [];
  for (const scope of new Set(named)) {
    const fitting = scope === 'BestEffort' ? ofBestEffort : ofPods;
    if (!scopes.includes(scope)) errors.push(invalid(at, named, 'unsupported scope'));
    else if (Object.keys(hard).some((name) => standard.has(name) && !fitting.has(name)))
      errors.push(invalid(at, named, 'unsupported scope applied to resource'));
  }
  if (opposites.some((pair) => pair.every((scope) => named.includes(scope)))) errors.push(invalid(at, named, 'conflicting scopes'));
  return errors;
}

/** `pods: 1/2, requests.cpu: 0/1` */
function usageText(names: readonly string[], { used }: NonNullable<ResourceQuota['status']>, hard: Quantities): string {
  return names.map((name) => `${name}: ${String(used?.[name] ?? 0)}/${String(hard[name])}`).join(', ');
}

export const resourceQuotaKind = defineBuiltin<ResourceQuota>(resourceQuotas, {
  singular: 'resourcequota',
  shortNames: ['quota'],
  hasStatus: true,
  columns: [
    nameColumn,
    computed('Request', 'What is used of what may be, without limits.'),
    computed('Limit', 'The same of limits.'),
    computedAge,
  ],
  cells({ metadata, status = {} }) {
    const { hard = {} } = status;
    const names = Object.keys(hard).toSorted();
    const isLimit = (name: string): boolean => name.startsWith('limits.');
    const [requests, limits] = [names.filter((name) => !isLimit(name)), names.filter(isLimit)];
    return [metadata.name, usageText(requests, status, hard), usageText(limits, status, hard), moment(metadata.creationTimestamp)];
  },
  defaulting(quota) {
    const { spec, status } = quota;
    const canonical = (of: Quantities): Record<string, string> =>
      Object.fromEntries(Object.entries(of).map(([name, value]) => [name, canonicalQuantity(value)]));
    return {
      ...quota,
      ...(spec?.hard && { spec: { ...spec, hard: canonical(spec.hard) } }),
      ...(status && {
        status: { ...status, ...(status.hard && { hard: canonical(status.hard) }), ...(status.used && { used: canonical(status.used) }) },
      }),
    };
  },
  prepareForCreate: (quota) => ({ ...quota, status: {} }),
  validate({ spec = {} }, old) {
    const errors = Object.entries(spec.hard ?? {}).flatMap(([name, amount]) => resourceErrors(name, amount));
    errors.push(...scopeErrors(spec));
    if (old && JSON.stringify([...(old.spec?.scopes ?? [])].toSorted()) !== JSON.stringify([...(spec.scopes ?? [])].toSorted()))
      errors.push(invalid('spec.scopes', spec.scopes ?? null, 'field is immutable'));
    for (const [index, { scopeName }] of (spec.scopeSelector?.matchExpressions ?? []).entries())
      if (!scopeName) errors.push(required(`spec.scopeSelector.matchExpressions[${index}].scopeName`));
    return errors;
  },
});
