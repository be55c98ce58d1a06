import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import { invalid } from '../field-errors.ts';
import { isKnownFinalizer } from '../metadata.ts';
import { dnsLabel, labelValueSyntax } from '../names.ts';
import type { KubeObject } from '../object.ts';
import { namespaces } from '../resources.ts';
import { defineBuiltin } from './define.ts';

export interface Namespace extends KubeObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: 'Active' | 'Terminating'; readonly conditions?: readonly object[] };
}

const nameLabel = 'kubernetes.io/metadata.name';

export const namespaceKind = defineBuiltin<Namespace>(namespaces, {
  singular: 'namespace',
  shortNames: ['ns'],
  hasStatus: true,
  subresources: ['finalize'],
  selectableFields: ['status.phase'],
  nameSyntax: dnsLabel,
  columns: [nameColumn, computed('Status', 'The status of the namespace.'), computedAge],
  cells: ({ metadata, status }) => [metadata.name, status?.phase ?? '', moment(metadata.creationTimestamp)],

  defaulting(namespace) {
    const { metadata } = namespace;
    if (!metadata?.name || metadata.labels?.[nameLabel] === metadata.name) return namespace;
    return { ...namespace, metadata: { ...metadata, labels: { ...metadata.labels, [nameLabel]: metadata.name } } };
  },

  prepareForCreate(namespace) {
    const finalizers = namespace.spec?.finalizers ?? [];
    return {
      ...namespace,
      spec: { finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] },
      status: { phase: 'Active' },
    };
  },

  validate: (namespace) => [
    ...labelValueSyntax(namespace.metadata.labels?.[nameLabel] ?? '').map((says) =>
      invalid('metadata.labels', namespace.metadata.labels?.[nameLabel], says),
    ),
    ...(namespace.spec?.finalizers ?? [])
      .filter((name) => !isKnownFinalizer(name))
      .map((name) => invalid('spec.finalizers', name, 'name is neither a standard finalizer name nor is it fully qualified')),
  ],
});
