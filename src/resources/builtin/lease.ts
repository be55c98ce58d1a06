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

interface LeaseSpec extends NonNullable<Lease['spec']> {
  readonly strategy?: string;
  readonly preferredHolder?: string;
}

/** A MicroTime as it is stored: its fraction as sent, its zone ours. */
function inUtc(time: string): string {
  const [, fraction = ''] = /(\.\d{6})/.exec(time) ?? [];
  return `${new Date(time).toISOString().slice(0, 19)}${fraction}Z`;
}

export const leaseKind = defineBuiltin<Lease>(leases, {
  singular: 'lease',
  structure: { type: 'ref', ref: 'coordination.v1.Lease' },
  columns: [nameColumn, computed('Holder', 'Who has it.'), computedAge],
  cells: ({ metadata, spec }) => [metadata.name, spec?.holderIdentity ?? '', moment(metadata.creationTimestamp)],
  defaulting(lease) {
    if (!lease.spec) return lease;
    // Chosen by coordination among candidates, which nobody does here (there it is a feature that is off).
    const { strategy: _strategy, preferredHolder: _holder, acquireTime, renewTime, ...spec } = lease.spec as LeaseSpec;
    const times = { ...(acquireTime && { acquireTime: inUtc(acquireTime) }), ...(renewTime && { renewTime: inUtc(renewTime) }) };
    return { ...lease, spec: { ...spec, ...times } };
  },
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
