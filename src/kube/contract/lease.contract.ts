import { expect, it } from 'vitest';
import type { Lease } from '../../resources/builtin/lease.ts';
import { leases } from '../../resources/resources.ts';
import { type Bench, refusal, unique } from './bench.contract.ts';

export function leaseContract(bench: Bench): void {
  const lease = (name: string, spec: Lease['spec'] = {}): Lease => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: bench.namespace, name },
    spec,
  });

  it('keeps who holds a lease, to the microsecond, and counts no generation', async () => {
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 1, renewTime: '2026-11-21T07:00:00.123456Z' };
    const made = await bench.client.create(leases, lease(unique(), spec));
    expect(made.spec).toEqual(spec);
    expect(made.metadata.generation).toBeUndefined();
    const taken = await bench.client.update<Lease>(leases, { ...made, spec: { ...spec, holderIdentity: 'b', leaseTransitions: 2 } });
    expect(taken.spec).toEqual({ ...spec, holderIdentity: 'b', leaseTransitions: 2 });
    expect(taken.metadata.generation).toBeUndefined();
  });

  it('gives a lease to one of two that take it at once', async () => {
    const made = await bench.client.create(leases, lease(unique()));
    const tries = ['a', 'b'].map((holderIdentity) => bench.client.update<Lease>(leases, { ...made, spec: { holderIdentity } }));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const lost = outcomes.find((each) => each.status === 'rejected');
    expect(lost?.reason).toMatchObject({ reason: 'Conflict', code: 409 });
  });

  it('refuses a duration of nothing and a negative count', async () => {
    const name = unique();
    const refused = await refusal(bench.client.create(leases, lease(name, { leaseDurationSeconds: 0, leaseTransitions: -1 })));
    expect(refused).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(refused.details?.causes?.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
      'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });
}
