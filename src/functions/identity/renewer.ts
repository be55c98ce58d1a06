/** Renews the tokens of instances before they end. The leader does it for all: whose tokens it did not send itself get new ones at once. */
import { type Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { permissionsOf } from '../../resources/permissions.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Member } from '../fleet/member.ts';
import type { Issuer } from './tokens.ts';

export interface RenewerOptions {
  readonly fleet: Fleet;
  readonly issuer: Issuer;
  readonly revisionByUid: (uid: string) => RevisionResource | undefined;
  readonly functionOf: (revision: RevisionResource) => FunctionResource | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a token's life: one that could not be renewed is tried again and again before it ends. */
const renewAfter = 1 / 3;
const looksInALife = 60;

/** Until the signal is aborted. */
export async function renewTokens({ fleet, issuer, clock, log, ...of }: RenewerOptions, signal: AbortSignal): Promise<void> {
  const renewedAt = new WeakMap<Member, number>();
  const renew = async (member: Member): Promise<void> => {
    const revision = member.claim && of.revisionByUid(member.claim.revisionUid);
    const owner = revision?.spec.permissions && of.functionOf(revision);
    // Whose function is gone, or has no permissions any more, keeps what it has: it is worth nothing.
    if (!owner || !permissionsOf(owner) || !revision?.spec.permissions) return;
    member.link?.renew(await issuer.tokens(owner, revision.spec.permissions));
    renewedAt.set(member, clock.now());
  };
  while (!signal.aborted) {
    for (const member of fleet.members()) {
      if (member.state !== 'serving' || clock.now() - (renewedAt.get(member) ?? 0) < issuer.lifetimeMs * renewAfter) continue;
      await renew(member).catch((error: unknown) =>
        log.warn({ pod: member.name, error: toError(error).message }, 'the tokens of an instance could not be renewed'),
      );
    }
    await clock.sleep(issuer.lifetimeMs / looksInALife, signal).catch(() => undefined);
  }
}
