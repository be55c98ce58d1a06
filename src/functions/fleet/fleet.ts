/**
 * All pods of all pools, each with its control connection.
 *
 * Pods come from the informer; each that runs is connected to, and its WELCOME says whether it is generic or whose instance it is.
 * So a restarted control plane finds its instances again without having stored anything. A pod that another replica claims says so, too:
 * every replica knows every instance.
 */
import { createHash } from 'node:crypto';
import { systemClock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { toError } from '../../base/errors.ts';
import type { Informer } from '../../kube/informer.ts';
import type { Welcome } from '../../wire/protocol.ts';
import type { KeyPair } from '../../wire/seal.ts';
import { label } from '../model/names.ts';
import type { Pod } from '../../resources/builtin/pod-types.ts';
import { openLink } from './link.ts';
import { type Claim, hasEnded, Member } from './member.ts';

export interface FleetListener {
  /** Became generic: may be reserved. */
  available?(member: Member): void;
  /** Became an instance. */
  serving?(member: Member): void;
  /** Takes no new work any more (draining), or is gone. */
  stopped?(member: Member): void;
}

export interface FleetOptions {
  readonly pods: Informer<Pod>;
  readonly key: KeyPair;
  readonly addressOf: (pod: Pod) => string | undefined;
  /** Who takes pods, where others take from the same pools: each prefers other ones. Absent: there is nobody else, the oldest goes first. */
  readonly replica?: string | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Delays between attempts to reach a pod that says it runs: its shim may still be loading. */
const retryMs = [2, 5, 10, 20, 50, 100, 200, 500, 1000];

export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #endedClaims = new Map<string, string>();
  readonly #byRevision = new Map<string, Set<Member>>();
  readonly #listeners = new Set<FleetListener>();
  readonly #retries = new Set<NodeJS.Timeout>();

  constructor(options: FleetOptions) {
    this.#options = options;
    const stop = options.pods.on(({ type, object }) => this.#changed(type === 'deleted', object));
    options.signal.addEventListener('abort', () => {
      stop();
      for (const timer of this.#retries) clearTimeout(timer);
      for (const member of this.#members.values()) member.link?.close();
    });
  }

  on(listener: FleetListener): void {
    this.#listeners.add(listener);
  }

  members(): Iterable<Member> {
    return this.#members.values();
  }

  get(uid: string): Member | undefined {
    return this.#members.get(uid);
  }

  /** Instances of a revision that take work. */
  instances(revisionUid: string): readonly Member[] {
    return [...(this.#byRevision.get(revisionUid) ?? [])].filter((member) => member.state === 'serving');
  }

  /** Those that still run something, draining ones too. */
  occupied(revisionUid: string): number {
    return this.#byRevision.get(revisionUid)?.size ?? 0;
  }

  revisionsInUse(): Iterable<string> {
    return this.#byRevision.keys();
  }

  /** Resolves when every pod that runs has said whose it is, or after `ms`. */
  async settled(ms: number): Promise<void> {
    const end = performance.now() + ms;
    const isOpen = (): boolean => [...this.#members.values()].some((member) => member.state === 'pending' && member.address !== undefined);
    while (isOpen() && performance.now() < end && !this.#options.signal.aborted) {
      await systemClock.sleep(10, this.#options.signal).catch(() => undefined);
    }
  }

  /** Whose instance a pod is, or was before it ended; until its object is gone. */
  claimOf(uid: string): string | undefined {
    return this.#members.get(uid)?.claim?.revisionUid ?? this.#endedClaims.get(uid);
  }

  /** Takes a generic pod out of the pool of this key, the first in this replica's order; the caller specialises or removes it. */
  reserve(pool: string): Member | undefined {
    let first: Member | undefined;
    for (const member of this.#members.values()) {
      if (member.state !== 'generic' || member.pool !== pool || member.pod.metadata.deletionTimestamp) continue;
      if (!first || member.rank < first.rank) first = member;
      if (this.#options.replica === undefined) break;
    }
    if (first) first.state = 'reserved';
    return first;
  }

  /** The reserved pod has accepted: it is an instance now. */
  specialised(member: Member, claim: Claim): void {
    if (member.state === 'gone' || member.state === 'serving') return;
    this.#claimed(member, claim);
    member.state = 'serving';
    member.idleSince = member.since = Date.now();
    for (const listener of this.#listeners) listener.serving?.(member);
  }

  /** It shall get no new work: out of the gateways' sight at once. */
  retire(member: Member): void {
    if (member.state === 'gone' || member.state === 'draining') return;
    member.state = 'draining';
    member.since = Date.now();
    for (const listener of this.#listeners) listener.stopped?.(member);
  }

  /** It belongs to a revision now, whose code it may still be loading. */
  #claimed(member: Member, claim: Claim): void {
    member.claim = claim;
    const others = this.#byRevision.get(claim.revisionUid);
    if (others) others.add(member);
    else this.#byRevision.set(claim.revisionUid, new Set([member]));
  }

  /** What the pod says of itself, at first and whenever another replica's claim changes it. */
  #told(member: Member, { claim, loaded, draining }: Welcome): void {
    if (member.state === 'gone' || member.state === 'draining') return;
    if (claim && loaded) this.specialised(member, claim);
    else if (claim && member.state !== 'serving') {
      // (The answer to HELLO may be looked at after what the pod has said since.)
      this.#claimed(member, claim);
      member.state = 'reserved';
      member.since = Date.now();
    } else if (member.state === 'pending') {
      member.state = 'generic';
      for (const listener of this.#listeners) listener.available?.(member);
    }
    if (draining) this.retire(member);
  }

  #changed(deleted: boolean, pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    let member = this.#members.get(uid);
    if (deleted || hasEnded(pod)) {
      if (member?.claim && !deleted) this.#endedClaims.set(uid, member.claim.revisionUid);
      if (deleted) this.#endedClaims.delete(uid);
      if (member) this.#gone(member, pod);
      return;
    }
    if (!member) {
      if (!pod.metadata.labels?.[label.runtime]) return;
      const { replica } = this.#options;
      member = new Member(pod, replica === undefined ? '' : rankOf(replica, uid));
      this.#members.set(uid, member);
    }
    member.pod = pod;
    if (pod.metadata.deletionTimestamp) this.retire(member);
    if (pod.status?.phase === 'Running' && !member.address && !pod.metadata.deletionTimestamp) {
      member.address = this.#options.addressOf(pod);
      member.since = Date.now();
      if (member.address) void this.#reach(member, 0);
    }
  }

  async #reach(member: Member, attempt: number): Promise<void> {
    const { key, log, signal } = this.#options;
    if (signal.aborted || member.state === 'gone' || !member.address) return;
    try {
      const link = await openLink(member.address, member.uid, key, {
        claimed: (welcome) => this.#told(member, welcome),
        stats: ({ active, served, idleMs }) => {
          member.active = active;
          member.served = served;
          if (active === 0) member.idleSince = Date.now() - idleMs;
        },
        goingAway: () => this.retire(member),
        closed: () => this.#lost(member),
      });
      if (signal.aborted || this.#members.get(member.uid) !== member) {
        link.close();
        return;
      }
      member.link = link;
      const welcome = await link.welcomed;
      if (welcome.pod !== member.uid) throw new Error(`pod ${welcome.pod} answered where ${member.uid} was expected`);
      this.#told(member, welcome);
    } catch (error) {
      if (attempt === retryMs.length)
        log.warn({ pod: member.name, namespace: member.namespace, error: toError(error).message }, 'a running pod cannot be reached');
      this.#later(member, attempt + 1);
    }
  }

  #later(member: Member, attempt: number): void {
    if (this.#options.signal.aborted || member.state === 'gone') return;
    const timer = setTimeout(
      () => {
        this.#retries.delete(timer);
        void this.#reach(member, attempt);
      },
      retryMs[Math.min(attempt, retryMs.length) - 1],
    );
    this.#retries.add(timer);
  }

  /** The connection broke. Mostly the process has died and the pod object will tell; if it lives, it is reached and asked again. */
  #lost(member: Member): void {
    if (!member.link || member.state === 'gone') return;
    member.link = undefined;
    const wasDraining = member.state === 'draining';
    this.#forget(member);
    member.state = wasDraining ? 'draining' : 'pending';
    if (!wasDraining) member.since = Date.now();
    if (!wasDraining) {
      for (const listener of this.#listeners) listener.stopped?.(member);
      this.#later(member, 1);
    }
  }

  #gone(member: Member, pod: Pod): void {
    const was = member.state;
    member.pod = pod;
    member.state = 'gone';
    this.#members.delete(member.uid);
    this.#forget(member);
    member.link?.close();
    if (was !== 'gone') for (const listener of this.#listeners) listener.stopped?.(member);
  }

  #forget(member: Member): void {
    const { claim } = member;
    const others = claim && this.#byRevision.get(claim.revisionUid);
    if (!others) return;
    others.delete(member);
    if (others.size === 0) this.#byRevision.delete(claim.revisionUid);
  }
}

/** Two replicas that need a pod at the same time rarely want the same one. */
function rankOf(replica: string, uid: string): string {
  return createHash('sha256').update(`${replica}\0${uid}`).digest('base64url');
}
