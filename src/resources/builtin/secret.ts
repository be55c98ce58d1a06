import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import { invalid, required, tooLong } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { secrets } from '../resources.ts';
import { decodedBytes, immutableErrors, keyErrors, maxDataBytes } from './configmap.ts';
import { defineBuiltin } from './define.ts';

export interface Secret extends KubeObject {
  readonly type?: string;
  readonly immutable?: boolean;
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>>;
  /** Written only: plain text that becomes part of `data`. */
  readonly stringData?: Readonly<Record<string, string>>;
}

/** Keys that a type of Secret must have; an inner list: at least one of them. */
const requiredKeys: ReadonlyMap<string, readonly (string | readonly string[])[]> = new Map([
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/basic-auth', [['username', 'password']]],
]);

const accountAnnotation = 'kubernetes.io/service-account.name';

function typeErrors(secret: Secret): FieldError[] {
  const data = secret.data ?? {};
  const errors = (requiredKeys.get(secret.type ?? '') ?? []).flatMap((key) => {
    const wanted = [key].flat();
    return wanted.some((each) => Object.hasOwn(data, each)) ? [] : wanted.map((each) => required(`data[${each}]`));
  });
  for (const key of ['.dockercfg', '.dockerconfigjson']) {
    const isTheirs = secret.type === `kubernetes.io/${key.slice(1)}`;
    if (isTheirs && Object.hasOwn(data, key) && !isJson(Buffer.from(data[key] as string, 'base64').toString())) {
      errors.push(invalid(`data[${key}]`, '<secret contents redacted>', 'must be valid JSON'));
    }
  }
  if (secret.type === 'kubernetes.io/service-account-token' && !secret.metadata.annotations?.[accountAnnotation])
    errors.push(required(`metadata.annotations[${accountAnnotation}]`));
  return errors;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export const secretKind = defineBuiltin<Secret>(secrets, {
  singular: 'secret',
  selectableFields: ['type'],
  columns: [nameColumn, computed('Type', 'What the secret is for.'), computed('Data', 'How many keys it holds.'), computedAge],
  cells: ({ metadata, type, data }) => [metadata.name, type ?? '', Object.keys(data ?? {}).length, moment(metadata.creationTimestamp)],

  defaulting(secret) {
    const { stringData, ...rest } = secret;
    const plain = Object.entries(stringData ?? {}).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
    const data = plain.length > 0 ? { data: Object.fromEntries([...Object.entries(secret.data ?? {}), ...plain]) } : {};
    return stringData === undefined && secret.type ? secret : { ...rest, ...data, type: secret.type || 'Opaque' };
  },

  validate(secret, old) {
    const errors: FieldError[] = [];
    if (old && secret.type !== old.type) errors.push(invalid('type', secret.type, 'field is immutable'));
    errors.push(...immutableErrors(secret, old, ['data']), ...keyErrors('data', secret.data));
    const bytes = Object.values(secret.data ?? {}).reduce((sum, value) => sum + decodedBytes(value), 0);
    if (bytes > maxDataBytes) errors.push(tooLong('data', maxDataBytes));
    return [...errors, ...typeErrors(secret)];
  },
});
