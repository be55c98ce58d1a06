/** A Lease as one contender sees it: reading, taking, renewing and releasing it, and how long it is surely ours. */
import { getIfThere } from './get.ts';
import { randomBytes } from 'node:crypto';
import { TsumugiError } from '../base/errors.ts';
import type { Lease } from '../resources/builtin/lease.ts';
import { isConflict, isNotFound } from '../resources/object.ts';
import { leases } from '../resources/resources.ts';
import type { KubeClient, ObjectKey } from './client.ts';

export interface LeaseRecordOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly lease: string;
  readonly identity: string;
  readonly leaseDurationSeconds: number;
  readonly renewDeadlineMs: number;
  readonly epochFloor: () => Promise<number>;
  /** Milliseconds since 1970, for what people read in the Lease. */
  readonly now: () => number;
  /** Milliseconds that only go forward, for what is decided. */
  readonly monotonic: () => number;
}

export class LeaseRecord {
  readonly identity: string;
  readonly #options: LeaseRecordOptions;
  readonly #key: ObjectKey;
  /** As it was read or written last, and when its spec was first seen so. */
  #seen: { readonly lease: Lease; readonly spec: string; readonly at: number } | undefined;
  /** When the renewal that was answered last was sent; absent: not ours. */
  #renewedAt: number | undefined;
  /** An attempt that was given up on may still be answered: then it is not the last any more, and changes nothing. */
  #attempt = 0;

  constructor(options: LeaseRecordOptions) {
    this.#options = options;
    this.#key = { namespace: options.namespace, name: options.lease };
    this.identity = `${options.identity}_${randomBytes(4).toString('hex')}`;
  }

  get holder(): string | undefined {
    return this.#seen?.lease.spec?.holderIdentity || undefined;
  }

  /**
   * How long it is still surely ours, in ms; 0: not at all. Counted from before the renewal was sent: nobody can have seen it
   * earlier, so nobody takes it before. What lies between this and the lease's duration is for requests that are on their way.
   * Who has heard 0 hears nothing else until it is acquired anew: the answer to a renewal that comes after that is too late, for all.
   */
  validMs(): number {
    if (this.#renewedAt === undefined) return 0;
    const left = this.#renewedAt + this.#options.renewDeadlineMs - this.#options.monotonic();
    if (left > 0) return left;
    this.#renewedAt = undefined;
    this.#attempt += 1;
    return 0;
  }

  /** Takes it if it is free. Answers our epoch; undefined: another has it. */
  async acquire(): Promise<number | undefined> {
    const attempt = ++this.#attempt;
    const lease = await this.#read(attempt);
    if (lease && !this.#isFree(lease)) return undefined;
    const epoch = Math.max(lease?.spec?.leaseTransitions ?? 0, await this.#options.epochFloor()) + 1;
    const sentAt = this.#options.monotonic();
    const time = this.#microTime();
    const spec = {
      ...lease?.spec,
      holderIdentity: this.identity,
      leaseDurationSeconds: this.#options.leaseDurationSeconds,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: epoch,
    };
    const wanted: Lease = lease
      ? { ...lease, spec }
      : {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { namespace: this.#options.namespace, name: this.#options.lease },
          spec,
        };
    const { client } = this.#options;
    this.#written(attempt, await (lease ? client.update(leases, wanted) : client.create(leases, wanted)), sentAt);
    return epoch;
  }

  /** Throws when it is lost, or when that could not be found out: `validMs` tells which. */
  async renew(): Promise<void> {
    const attempt = ++this.#attempt;
    try {
      await this.#update(attempt, { renewTime: this.#microTime() });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      // Somebody else has written: an earlier attempt of ours that was not answered, a label, or the next holder.
      const epoch = this.#seen?.lease.spec?.leaseTransitions;
      const lease = await this.#read(attempt);
      if (lease?.spec?.holderIdentity !== this.identity || lease.spec.leaseTransitions !== epoch) {
        this.#renewedAt = undefined;
        throw new TsumugiError('Conflict', `the lease is ${lease ? `held by "${this.holder ?? 'nobody'}"` : 'deleted'}`, { cause: error });
      }
      await this.#update(attempt, { renewTime: this.#microTime() });
    }
  }

  /** Gives it to whoever comes first. From the call on it is not ours. */
  async release(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#renewedAt = undefined;
    await this.#update(attempt, { holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#microTime() });
    this.#renewedAt = undefined;
  }

  async #update(attempt: number, change: Lease['spec'] & object): Promise<void> {
    const { lease } = this.#seen ?? {};
    if (!lease) throw new TsumugiError('Internal', 'a lease that was never read cannot be changed');
    const sentAt = this.#options.monotonic();
    this.#written(attempt, await this.#options.client.update<Lease>(leases, { ...lease, spec: { ...lease.spec, ...change } }), sentAt);
  }

  #written(attempt: number, lease: Lease, sentAt: number): void {
    this.#see(attempt, lease);
    this.#renewedAt = sentAt;
  }

  async #read(attempt: number): Promise<Lease | undefined> {
    const lease = await getIfThere<Lease>(this.#options.client, leases, this.#key);
    this.#see(attempt, lease);
    return lease;
  }

  #see(attempt: number, lease: Lease | undefined): void {
    if (attempt !== this.#attempt) throw new TsumugiError('Unavailable', 'the API server answered too late');
    const spec = JSON.stringify(lease?.spec ?? {});
    const at = this.#seen && this.#seen.spec === spec ? this.#seen.at : this.#options.monotonic();
    this.#seen = lease && { lease, spec, at };
  }

  /** Nobody's, or not renewed for its duration since we first saw it so: the times in it are another machine's. */
  #isFree({ spec }: Lease): boolean {
    if (!spec?.holderIdentity || spec.holderIdentity === this.identity) return true;
    return this.#options.monotonic() >= (this.#seen?.at ?? 0) + (spec.leaseDurationSeconds ?? 0) * 1000;
  }

  #microTime(): string {
    return new Date(this.#options.now()).toISOString().replace('Z', '000Z');
  }
}
