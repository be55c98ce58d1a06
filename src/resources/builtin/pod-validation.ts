/** What the real server says of a Pod beyond its structure, and of what an update may change. */
import { isDeepStrictEqual } from 'node:util';
import { duplicate, forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import { dnsLabel, dnsSubdomain, labelValueSyntax, qualifiedName, type Syntax } from '../names.ts';
import { containerErrors } from './container-validation.ts';
import type { Pod, PodSpec, Volume } from './pod-types.ts';

const says = (syntax: Syntax, field: string, value: string | undefined): FieldError[] =>
  value ? syntax(value).map((each) => invalid(field, value, each)) : [];

export function podErrors(pod: Pod, old?: Pod): FieldError[] {
  const { spec } = pod;
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
  return old ? [...errors, ...updateErrors(spec, old.spec)] : errors;
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

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

function volumeErrors(volume: Volume, at: string, before: readonly Volume[]): FieldError[] {
  const { name, ...sources } = volume;
  const errors = says(dnsLabel, `${at}.name`, name);
  if (name && before.some((each) => each.name === name)) errors.push(duplicate(`${at}.name`, name));
  const given = Object.keys(sources);
  errors.push(...given.slice(1).map((each) => forbidden(`${at}.${each}`, 'may not specify more than 1 volume type')));
  if (volume.secret && !volume.secret.secretName) errors.push(required(`${at}.secret.secretName`));
  if (given[0] === 'configMap' && !volume.configMap?.name) errors.push(required(`${at}.configMap.name`));
  const type = volume.hostPath?.type;
  if (type && !hostPathTypes.includes(type)) errors.push(notSupported(`${at}.hostPath.type`, type, hostPathTypes));
  return errors;
}

const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function updateErrors(spec: PodSpec, old: PodSpec): FieldError[] {
  const counts = (['containers', 'initContainers'] as const).filter((list) => (spec[list]?.length ?? 0) !== (old[list]?.length ?? 0));
  if (counts.length > 0) return counts.map((list) => forbidden(`spec.${list}`, 'pod updates may not add or remove containers'));
  const lost = (old.tolerations ?? []).some((toleration) => !spec.tolerations?.some((each) => isDeepStrictEqual(each, toleration)));
  if (lost) return [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
  // The embedded node binds a pod to itself; a real server has the subresource `binding` for that.
  const bound = old.nodeName || !spec.nodeName ? old : { ...old, nodeName: spec.nodeName };
  return isDeepStrictEqual(fixed(spec), fixed(bound)) ? [] : [forbidden('spec', mayChange)];
}

/** The spec without what may change; undefined fields compare as absent. */
function fixed(spec: PodSpec): object {
  const images = (containers: readonly object[] = []): object[] =>
    containers.map((container) => present({ ...container, image: undefined }));
  return present({
    ...spec,
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    containers: images(spec.containers),
    initContainers: images(spec.initContainers),
  });
}

const present = (object: object): object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
