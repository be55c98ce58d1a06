/** Renews the tokens of running code before they end. The leader does it for all: whose tokens it did not send itself get new ones at once. */
import { type Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { permissionsOf } from '../../resources/permissions.ts';
import type { FunctionResource } from '../../resources/function.ts';
import type { RevisionResource } from '../../resources/revision.ts';
import type { Tokens } from '../../wire/protocol.ts';
import type { Issuer } from './tokens.ts';

/** A pod with code in it. */
export interface Bearer {
  /** Of the pod. */
  readonly uid: string;
  readonly name: string;
  /** What runs there, where that is known. */
  readonly revision: RevisionResource | undefined;
  /** Throws where the pod is not connected. */
  renew(tokens: Tokens): void;
}

export interface RenewerOptions {
  /** Those that there are now. */
  readonly bearers: () => Iterable<Bearer>;
  readonly issuer: Issuer;
  readonly functionOf: (revision: RevisionResource) => FunctionResource | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a token's life: one that could not be renewed is tried again and again before it ends. */
const renewAfter = 1 / 3;
const looksInALife = 60;

/** Until the signal is aborted. */
export async function renewTokens({ bearers, issuer, functionOf, clock, log }: RenewerOptions, signal: AbortSignal): Promise<void> {
  let renewedAt = new Map<string, number>();
  const renew = async (bearer: Bearer): Promise<boolean> => {
    const { revision } = bearer;
    const owner = revision?.spec.permissions && functionOf(revision);
    // Whose function is gone, or has no permissions any more, keeps what it has: it is worth nothing.
    if (!owner || !permissionsOf(owner) || !revision?.spec.permissions) return false;
    bearer.renew(await issuer.tokens(owner, revision.spec.permissions));
    return true;
  };
  while (!signal.aborted) {
    const present = new Map<string, number>();
    for (const bearer of bearers()) {
      const { uid, name } = bearer;
      const last = renewedAt.get(uid);
      if (last !== undefined) present.set(uid, last);
      if (clock.now() - (last ?? 0) < issuer.lifetimeMs * renewAfter) continue;
      try {
        if (await renew(bearer)) present.set(uid, clock.now());
      } catch (error) {
        log.warn({ pod: name, error: toError(error).message }, 'the tokens of a pod could not be renewed');
      }
    }
    renewedAt = present;
    await clock.sleep(issuer.lifetimeMs / looksInALife, signal).catch(() => undefined);
  }
}
