import { computed, computedAge, moment, nameColumn } from '../cells.ts';
import { invalid } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { leases } from '../resources.ts';
import { defineBuiltin } from './define.ts';

export interface Lease extends KubeObject {
  readonly spec?: {
    /** Empty or absent: nobody's. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    /** MicroTime: `2026-11-21T07:00:00.000000Z`. */
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const leaseKind = defineBuiltin<Lease>(leases, {
  singular: 'lease',
  structure: { type: 'ref', ref: 'coordination.v1.Lease' },
  columns: [nameColumn, computed('Holder', 'Who has it.'), computedAge],
  cells: ({ metadata, spec }) => [metadata.name, spec?.holderIdentity ?? '', moment(metadata.creationTimestamp)],
  validate({ spec }) {
    const errors: FieldError[] = [];
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec ?? {};
    if (duration !== undefined && duration <= 0) errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
    if (transitions !== undefined && transitions < 0) {
      errors.push(invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
    }
    return errors;
  },
});
