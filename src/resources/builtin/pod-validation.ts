/** What the real server says of a Pod beyond its structure. */
import { isIP } from 'node:net';
import { duplicate, forbidden, invalid, required } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import { dnsLabel, dnsSubdomain, labelValueSyntax, qualifiedName, type Syntax } from '../names.ts';
import { containerErrors } from './container-validation.ts';
import type { Pod, PodSpec } from './pod-types.ts';
import { updateErrors } from './pod-update-validation.ts';
import { volumeErrors } from './volume-validation.ts';

const says = (syntax: Syntax, field: string, value: string | undefined): FieldError[] =>
  value ? syntax(value).map((each) => invalid(field, value, each)) : [];

export function podErrors(pod: Pod, old?: Pod): FieldError[] {
  const { spec } = pod;
  const errors = spec === old?.spec ? [] : podSpecErrors(spec);
  if (!old)
    return spec.ephemeralContainers === undefined ? errors : [...errors, forbidden('spec.ephemeralContainers', 'cannot be set on create')];
  if (pod.status?.qosClass !== old.status?.qosClass)
    errors.push(invalid('status.qosClass', pod.status?.qosClass ?? '', 'field is immutable'));
  return spec === old.spec ? errors : [...errors, ...updateErrors(spec, old.spec)];
}

/** Of a pod's spec, or of a template's (then `spec` stands for `spec.template.spec`). */
export function podSpecErrors(spec: PodSpec): FieldError[] {
  const errors = (spec.volumes ?? []).flatMap((volume, index) =>
    volumeErrors(volume, `spec.volumes[${index}]`, spec.volumes?.slice(0, index) ?? []),
  );
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const seen = new Set<string>();
  (spec.containers ?? []).forEach((each, index) => errors.push(...containerErrors(each, `spec.containers[${index}]`, volumes, seen)));
  (spec.initContainers ?? []).forEach((each, index) =>
    errors.push(...containerErrors(each, `spec.initContainers[${index}]`, volumes, seen)),
  );
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > 2 ** 31 - 1))
    errors.push(invalid('spec.activeDeadlineSeconds', deadline, 'must be between 1 and 2147483647, inclusive'));
  errors.push(
    ...says(dnsSubdomain, 'spec.nodeName', spec.nodeName),
    ...says(dnsSubdomain, 'spec.serviceAccountName', spec.serviceAccountName),
  );
  errors.push(...says(dnsLabel, 'spec.hostname', spec.hostname), ...says(dnsLabel, 'spec.subdomain', spec.subdomain));
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {}))
    errors.push(...says(qualifiedName, 'spec.nodeSelector', key), ...says(labelValueSyntax, 'spec.nodeSelector', value));
  for (const field of ['fsGroup', 'runAsGroup', 'runAsUser'])
    errors.push(...idErrors(`spec.securityContext.${field}`, spec.securityContext?.[field]));
  (spec.tolerations ?? []).forEach((each, index) => errors.push(...tolerationErrors(each, `spec.tolerations[${index}]`)));
  return [...errors, ...specErrors(spec)];
}

/** What fields say of each other. */
function specErrors(spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const { securityContext = {} } = spec;
  if (spec.dnsPolicy === 'None' && spec.dnsConfig === undefined)
    errors.push(required('spec.dnsConfig', 'must provide `dnsConfig` when `dnsPolicy` is None'));
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(invalid('spec.securityContext.shareProcessNamespace', true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  const groups = (securityContext['supplementalGroups'] ?? []) as readonly unknown[];
  groups.forEach((group, index) => errors.push(...idErrors(`spec.securityContext.supplementalGroups[${index}]`, group)));
  (spec.hostAliases ?? []).forEach(({ ip = '' }, index) => {
    if (ip !== '' && isIP(ip) === 0)
      errors.push(invalid(`spec.hostAliases[${index}].ip`, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'));
  });
  (spec.readinessGates ?? []).forEach(({ conditionType }, index) =>
    errors.push(...says(qualifiedName, `spec.readinessGates[${index}].conditionType`, conditionType)),
  );
  return [...errors, ...hostPortErrors(spec)];
}

/** A port of the host is taken once; in the host's own network it is the container's. */
function hostPortErrors({ containers, hostNetwork }: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  (containers ?? []).forEach(({ ports = [] }, container) =>
    ports.forEach(({ hostPort, containerPort, protocol, hostIP = '' }, index) => {
      const field = `spec.containers[${container}].ports[${index}].hostPort`;
      if (hostNetwork && hostPort !== containerPort)
        errors.push(invalid(field, hostPort, 'must match `containerPort` when `hostNetwork` is true'));
      if (!hostPort) return;
      const place = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(place)) errors.push(duplicate(field, place));
      taken.add(place);
    }),
  );
  return errors;
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
}

function tolerationErrors(toleration: Toleration, at: string): FieldError[] {
  const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
  const errors = key === '' ? [] : says(qualifiedName, `${at}.key`, key);
  if (key === '' && operator !== 'Exists')
    errors.push(
      invalid(`${at}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'),
    );
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    errors.push(invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  if (operator === '' || operator === 'Equal') errors.push(...says(labelValueSyntax, `${at}.operator`, value));
  if (operator === 'Exists' && value !== '')
    errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  return errors;
}

function idErrors(field: string, value: unknown): FieldError[] {
  return typeof value === 'number' && (value < 0 || value > 2 ** 31 - 1)
    ? [invalid(field, value, 'must be between 0 and 2147483647, inclusive')]
    : [];
}
