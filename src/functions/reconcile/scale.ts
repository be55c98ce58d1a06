/**
 * Scaling each revision between its bounds: instances idle for long enough go, the least number stays, those of a revision that lost
 * the traffic are drained, and those that hang are killed.
 */
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Member } from '../fleet/member.ts';
import type { PodRemover } from '../fleet/remover.ts';
import type { RevisionResource } from '../../resources/revision.ts';

/** What the owner of a revision wants of it now. */
export interface ScalePolicy {
  /** 0 for a revision without traffic. */
  readonly min: number;
  readonly idleMs: number;
  /** Since when it has had no traffic, milliseconds since 1970; absent while it has. */
  readonly drainSince?: number;
}

export interface ScalerOptions {
  readonly fleet: Fleet;
  readonly remover: PodRemover;
  readonly revisionByUid: (uid: string) => RevisionResource | undefined;
  /** Undefined: its function is gone. */
  readonly policy: (revision: RevisionResource) => ScalePolicy | undefined;
  /** Revisions whose least number of instances is not 0. */
  readonly wanted: () => Iterable<RevisionResource>;
  /** Instances of it under way. */
  readonly starting: (revisionUid: string) => number;
  /** So long the code of a function may take to load. */
  readonly loadTimeoutMs: number;
  /** Starts one more; rejects when it cannot. */
  readonly start: (revision: RevisionResource) => Promise<unknown>;
  /** False: none that works is taken away for want of work, for no other could be made. */
  readonly canMakePods: () => boolean;
  /** The last instance has gone after so long without work. */
  readonly scaledToZero: (revision: RevisionResource, idleMs: number) => void;
  readonly log: Log;
}

const tickMs = 1000;
/** After the traffic has moved: until every gateway knows. */
const moveGraceMs = 2000;
/** How long an instance may be of a revision that nobody has heard of. */
const unknownMs = 10_000;
/** A draining pod ends by itself after its last request; this is what it gets beyond that. */
const drainMarginMs = 5000;
/** A pod that runs and cannot be reached for so long is no use. */
const unreachableMs = 30_000;
const pingEveryTicks = 5;
/** An instance may block its event loop for as long as a request may take, and a little. */
const hangMarginMs = 10_000;

export class Scaler {
  readonly #options: ScalerOptions;
  readonly #timer: NodeJS.Timeout;
  #ticks = 0;

  constructor(options: ScalerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const { fleet, revisionByUid, policy, canMakePods } = this.#options;
    this.#ticks++;
    const now = Date.now();
    const mayReap = canMakePods();
    for (const uid of fleet.revisionsInUse()) {
      const revision = revisionByUid(uid);
      const members = fleet.instances(uid);
      const rules = revision && policy(revision);
      if (!revision) {
        // A revision may be so new that the cache does not show it yet.
        for (const member of members) if (now - member.since > unknownMs) void this.#options.remover.kill(member, 'its revision is gone');
      } else if (!rules) {
        for (const member of members) if (now - member.since > moveGraceMs) void this.#stop(member, 0, 'its function is gone');
      } else if (rules.drainSince !== undefined) {
        if (now - rules.drainSince > moveGraceMs)
          for (const member of members) void this.#stop(member, 0, 'another revision has the traffic');
      } else if (mayReap) this.#reap(members, rules, now);
    }
    this.#fill();
    if (this.#ticks % pingEveryTicks === 0) this.#ping();
  }

  #reap(members: readonly Member[], { min, idleMs }: ScalePolicy, now: number): void {
    const idle = members.filter((member) => member.active === 0 && now - member.idleSince >= idleMs);
    idle.sort((a, b) => a.idleSince - b.idleSince);
    for (const member of idle.slice(0, Math.max(0, members.length - min))) void this.#stop(member, idleMs, `idle for ${idleMs / 1000} s`);
  }

  /** The revision is gone: its instances finish what they do. */
  drainAll(revisionUid: string): void {
    for (const member of this.#options.fleet.instances(revisionUid)) void this.#stop(member, 0, 'its revision is gone');
  }

  /** The pod itself decides: it knows of work that we have not heard of yet. */
  async #stop(member: Member, idleMs: number, why: string): Promise<void> {
    const { fleet, remover, revisionByUid, scaledToZero, log } = this.#options;
    if (member.asking || !member.link) return;
    member.asking = true;
    try {
      if (idleMs === 0) fleet.retire(member);
      if (await member.link.drain(idleMs)) {
        fleet.retire(member);
        // Idle: nothing runs in it. Else it ends by itself, after what runs, and the pool's reconciler clears up.
        if (idleMs > 0) {
          await remover.kill(member, why);
          const uid = member.claim?.revisionUid ?? '';
          const revision = revisionByUid(uid);
          if (revision && fleet.instances(uid).length === 0) scaledToZero(revision, idleMs);
        }
      } else member.idleSince = Date.now();
    } catch (error) {
      log.debug({ pod: member.name, error: toError(error).message }, 'an instance did not answer DRAIN');
    } finally {
      member.asking = false;
    }
  }

  #fill(): void {
    const { fleet, policy, wanted, starting, start, log } = this.#options;
    for (const revision of wanted()) {
      const uid = revision.metadata.uid ?? '';
      const min = policy(revision)?.min ?? 0;
      for (let have = fleet.instances(uid).length + starting(uid); have < min; have++) {
        start(revision).catch((error: unknown) =>
          log.debug({ revision: revision.metadata.name, error: toError(error).message }, 'the least number of instances is not there yet'),
        );
      }
    }
  }

  #ping(): void {
    const { fleet, revisionByUid, remover, loadTimeoutMs } = this.#options;
    for (const member of fleet.members()) {
      // Whoever claimed it gives up before this, less it has died: then nobody else would ever end it.
      if (member.state === 'reserved' && member.claim && Date.now() - member.since > 1.5 * loadTimeoutMs)
        void remover.kill(member, 'its code has not been loaded in time, and nobody waits for it any more');
      const revision = member.claim && revisionByUid(member.claim.revisionUid);
      if (member.state === 'draining' && !member.pod.metadata.deletionTimestamp) {
        const limit = (member.active === 0 ? 0 : (revision?.spec.timeoutSeconds ?? 20) * 1000) + drainMarginMs;
        if (Date.now() - member.since > limit) void remover.kill(member, 'it was drained');
      }
      if (member.state === 'pending' && member.address && Date.now() - member.since > unreachableMs)
        void remover.kill(member, `it runs, but has not answered for ${unreachableMs / 1000} s`);
      if (!member.link) continue;
      const silent = member.link.ping();
      if (silent > (revision?.spec.timeoutSeconds ?? 20) * 1000 + hangMarginMs)
        void remover.kill(member, `it has not answered a PING for ${Math.round(silent / 1000)} s`);
    }
  }
}
