/** Validation of `metadata`, the same for every kind. */
import { forbidden, invalid, required, tooLong } from './field-errors.ts';
import type { FieldError, KindDefinition } from './kind.ts';
import { dnsSubdomain, labelValueSyntax, qualifiedName, type Syntax } from './names.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from './object.ts';

const totalAnnotationBytes = 256 * 1024;

/** Errors of the object's metadata; on update (`old` given) of what must not change, too. */
export function metadataErrors(kind: KindDefinition, object: KubeObject, old?: KubeObject): FieldError[] {
  const { metadata } = object;
  const says = (syntax: Syntax, field: string, value: string): FieldError[] => syntax(value).map((each) => invalid(field, value, each));
  const errors: FieldError[] = [];
  const name = kind.nameSyntax ?? dnsSubdomain;
  if (metadata.generateName)
    errors.push(...says((value) => name(value.replace(/-$/, 'a')), 'metadata.generateName', metadata.generateName));
  if (!metadata.name) errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...says(name, 'metadata.name', metadata.name));
  for (const [key, value] of Object.entries(metadata.labels ?? {}))
    errors.push(...says(qualifiedName, 'metadata.labels', key), ...says(labelValueSyntax, 'metadata.labels', value));
  errors.push(...annotationErrors(metadata));
  for (const finalizer of metadata.finalizers ?? []) errors.push(...says(qualifiedName, 'metadata.finalizers', finalizer));
  // The core group's own check.
  if (kind.group === '')
    (metadata.finalizers ?? []).forEach((finalizer, index) => {
      if (!isKnownFinalizer(finalizer))
        errors.push(
          invalid(`metadata.finalizers[${index}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'),
        );
    });
  errors.push(...ownerErrors(metadata.ownerReferences ?? []));
  if (old) errors.push(...immutableErrors(metadata, old.metadata));
  return errors;
}

function annotationErrors(metadata: ObjectMeta): FieldError[] {
  const entries = Object.entries(metadata.annotations ?? {});
  const errors = entries.flatMap(([key]) => qualifiedName(key.toLowerCase()).map((each) => invalid('metadata.annotations', key, each)));
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return bytes > totalAnnotationBytes ? [...errors, tooLong('metadata.annotations', totalAnnotationBytes)] : errors;
}

export const isKnownFinalizer = (name: string): boolean =>
  name.includes('/') || ['kubernetes', 'orphan', 'foregroundDeletion'].includes(name);

function ownerErrors(owners: readonly OwnerReference[]): FieldError[] {
  const at = 'metadata.ownerReferences';
  const errors: FieldError[] = [];
  for (const owner of owners) {
    if (!owner.apiVersion || owner.apiVersion.split('/').length > 2)
      errors.push(invalid(`${at}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    if (!owner.kind) errors.push(invalid(`${at}.kind`, owner.kind ?? '', 'must not be empty'));
    if (!owner.name) errors.push(invalid(`${at}.name`, owner.name ?? '', 'must not be empty'));
    if (!owner.uid) errors.push(invalid(`${at}.uid`, owner.uid ?? '', 'must not be empty'));
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      errors.push(invalid(at, owner, '/v1, Kind=Event is disallowed from being an owner'));
  }
  const [first, second] = owners.filter((owner) => owner.controller);
  if (first && second) {
    const found = `Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`;
    errors.push(invalid(at, owners, `Only one reference can have Controller set to true. ${found}`));
  }
  return errors;
}

function immutableErrors(now: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (now[field] !== old[field]) errors.push(invalid(`metadata.${field}`, now[field] ?? null, 'field is immutable'));
  }
  if (old.deletionTimestamp !== undefined) {
    const added = (now.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
    if (added.length > 0)
      errors.push(
        forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((each) => JSON.stringify(each)).join(', ')}}`,
        ),
      );
  }
  return errors;
}
