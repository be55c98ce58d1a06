/** What the real server says of containers; types, enums and plainly required fields are checked by structure before. */
import { duplicate, forbidden, invalid, notFound, required } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import { configMapKey, dnsLabel, dnsSubdomain, type Syntax } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import type { Container, EnvFromSource, EnvVar, KeySelector, Probe } from './pod-types.ts';

const port = (field: string, value: number): FieldError[] =>
  value >= 1 && value <= 65_535 ? [] : [invalid(field, value, 'must be between 1 and 65535, inclusive')];

/** `seen`: names of the containers before, init containers included. */
export function containerErrors(container: Container, at: string, volumes: ReadonlySet<string>, seen: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const { name } = container;
  if (name) {
    errors.push(...dnsLabel(name).map((says) => invalid(`${at}.name`, name, says)));
    if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    seen.add(name);
  }
  if (!container.image) errors.push(required(`${at}.image`));
  else if (container.image.trim() !== container.image)
    errors.push(invalid(`${at}.image`, container.image, 'must not have leading or trailing whitespace'));
  container.env?.forEach((variable, index) => errors.push(...envErrors(variable, `${at}.env[${index}]`)));
  container.envFrom?.forEach((source, index) => errors.push(...envFromErrors(source, `${at}.envFrom`, index)));
  errors.push(
    ...portErrors(container, `${at}.ports`),
    ...mountErrors(container, `${at}.volumeMounts`, volumes),
    ...resourceErrors(container, `${at}.resources`),
  );
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    errors.push(...probeErrors(container[probe], `${at}.${probe}`, probe === 'readinessProbe'));
  for (const [hook, handler] of Object.entries(container.lifecycle ?? {}))
    if (handler && Object.keys(handler).length === 0) errors.push(required(`${at}.lifecycle.${hook}`, 'must specify a handler type'));
  for (const field of ['runAsUser', 'runAsGroup']) {
    const id = container.securityContext?.[field];
    if (typeof id === 'number' && (id < 0 || id > 2 ** 31 - 1))
      errors.push(invalid(`${at}.securityContext.${field}`, id, 'must be between 0 and 2147483647, inclusive'));
  }
  return errors;
}

/** What a variable's name may not have. */
const variableName = /[^\x20-\x3c\x3e-\x7e]/;
const variableSays = "a valid environment variable name must consist only of printable ASCII characters other than '='";

const refFields = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;
const fieldPaths =
  /^(metadata\.(name|namespace|uid|labels\['[^']+'\]|annotations\['[^']+'\])|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$/;

function envErrors({ name, value, valueFrom }: EnvVar, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (name && variableName.test(name)) errors.push(invalid(`${at}.name`, name, variableSays));
  if (!valueFrom) return errors;
  const field = `${at}.valueFrom`;
  const given = refFields.filter((each) => valueFrom[each] !== undefined);
  const { fieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  if (fieldRef?.fieldPath && !fieldPaths.test(fieldRef.fieldPath)) {
    errors.push(
      invalid(
        `${field}.fieldRef.fieldPath`,
        fieldRef.fieldPath,
        `error converting fieldPath: field label not supported: ${fieldRef.fieldPath}`,
      ),
    );
  }
  if (configMapKeyRef) errors.push(...keyErrors(configMapKeyRef, `${field}.configMapKeyRef`));
  if (secretKeyRef) errors.push(...keyErrors(secretKeyRef, `${field}.secretKeyRef`));
  if (given.length === 0)
    errors.push(
      invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'),
    );
  else if (value) errors.push(invalid(field, '', 'may not be specified when `value` is not empty'));
  else if (given.length > 1) errors.push(invalid(field, '', 'may not have more than one field specified at a time'));
  return errors;
}

function keyErrors({ name = '', key = '' }: Partial<KeySelector>, at: string): FieldError[] {
  return [
    ...dnsSubdomain(name).map((says) => invalid(`${at}.name`, name, says)),
    ...(key === '' ? [] : configMapKey(key).map((says) => invalid(`${at}.key`, key, says))),
  ];
}

function envFromErrors({ prefix, secretRef, configMapRef }: EnvFromSource, at: string, index: number): FieldError[] {
  const errors = prefix && variableName.test(prefix) ? [invalid(`${at}[${index}].prefix`, prefix, variableSays)] : [];
  for (const [field, ref] of Object.entries({ configMapRef, secretRef }))
    if (ref && !ref.name) errors.push(required(`${at}[${index}].${field}.name`));
  if (!secretRef && !configMapRef) errors.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
  if (secretRef && configMapRef) errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
  return errors;
}

const portName: Syntax = (name) => [
  ...(name.length > 15 ? ['must be no more than 15 characters'] : []),
  ...(/^[-a-z0-9]+$/.test(name) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/[a-z]/.test(name) ? [] : ['must contain at least one letter (a-z)']),
  ...(name.includes('--') ? ['must not contain consecutive hyphens'] : []),
  ...(/^-|-$/.test(name) ? ['must not begin or end with a hyphen'] : []),
];

function portErrors({ ports = [] }: Container, at: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort, hostPort, protocol }, index) => {
    const field = `${at}[${index}]`;
    const errors: FieldError[] = [];
    if (name) {
      if (names.has(name)) errors.push(duplicate(`${field}.name`, name));
      names.add(name);
      errors.push(...portName(name).map((says) => invalid(`${field}.name`, name, says)));
    }
    if (!containerPort) errors.push(required(`${field}.containerPort`));
    else errors.push(...port(`${field}.containerPort`, containerPort));
    if (hostPort) errors.push(...port(`${field}.hostPort`, hostPort));
    if (!protocol) errors.push(required(`${field}.protocol`));
    return errors;
  });
}

function mountErrors({ volumeMounts = [] }: Container, at: string, volumes: ReadonlySet<string>): FieldError[] {
  const paths = new Set<string>();
  return volumeMounts.flatMap(({ name, mountPath, subPath }, index) => {
    const field = `${at}[${index}]`;
    const errors: FieldError[] = [];
    if (!volumes.has(name ?? '')) errors.push(notFound(`${field}.name`, name ?? ''));
    if (mountPath && paths.has(mountPath)) errors.push(invalid(`${field}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (subPath?.split('/').includes('..')) errors.push(invalid(`${at}.subPath`, subPath, "must not contain '..'"));
    else if (subPath?.startsWith('/')) errors.push(invalid(`${at}.subPath`, subPath, 'must be a relative path'));
    return errors;
  });
}

function resourceErrors({ resources = {} }: Container, at: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const part of ['limits', 'requests'] as const) {
    for (const [name, value] of Object.entries(resources[part] ?? {})) {
      const field = `${at}.${part}[${name}]`;
      if ((parseQuantity(value) ?? 0) < 0) errors.push(invalid(field, String(value), 'must be greater than or equal to 0'));
      if (!name.includes('/') && !['cpu', 'memory', 'ephemeral-storage'].includes(name) && !name.startsWith('hugepages-')) {
        errors.push(
          invalid(field, name, 'must be a standard resource type or fully qualified'),
          invalid(field, name, 'must be a standard resource for containers'),
        );
      }
    }
  }
  for (const [name, value] of Object.entries(resources.requests ?? {})) {
    const limit = resources.limits?.[name];
    if (limit !== undefined && (parseQuantity(value) ?? 0) > (parseQuantity(limit) ?? 0))
      errors.push(invalid(`${at}.requests`, String(value), `must be less than or equal to ${name} limit of ${limit}`));
  }
  return errors;
}

const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'] as const;

function probeErrors(probe: Probe | undefined, at: string, isReadiness: boolean): FieldError[] {
  if (!probe) return [];
  const given = handlers.filter((each) => probe[each] !== undefined);
  if (given.length === 0) return [required(at, 'must specify a handler type')];
  const errors = given.slice(1).map((each) => forbidden(`${at}.${each}`, 'may not specify more than 1 handler type'));
  if (probe.exec && !probe.exec.command?.length) errors.unshift(required(`${at}.exec.command`));
  for (const handler of ['httpGet', 'tcpSocket'] as const) {
    const { port: number } = (probe[handler] ?? {}) as { port?: number | string };
    const field = `${at}.${handler}.port`;
    if (typeof number === 'number') errors.push(...port(field, number));
    if (typeof number === 'string') errors.push(...portName(number).map((says) => invalid(field, number, says)));
  }
  for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    const value = probe[field] ?? 0;
    if (value < 0) errors.push(invalid(`${at}.${field}`, value, 'must be greater than or equal to 0'));
  }
  const { terminationGracePeriodSeconds: grace, successThreshold = 1 } = probe;
  if (isReadiness && grace !== undefined)
    errors.push(invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
  if (!isReadiness && grace !== undefined && grace <= 0)
    errors.push(invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  if (!isReadiness && successThreshold !== 1) errors.push(invalid(`${at}.successThreshold`, successThreshold, 'must be 1'));
  return errors;
}
