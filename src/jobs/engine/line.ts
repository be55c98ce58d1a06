/** Who is next: pure, so that the order can be told from the list of all open runs alone. */
import type { RunOutline } from '../../records/runs.ts';
import type { Quota } from '../driver.ts';
import type { ConcurrencyPolicy } from '../model/plan.ts';

export interface Line {
  /** Their turn has come, in this order. */
  readonly admitted: readonly RunOutline[];
  /** The policy forbids them, because of the other one. */
  readonly refused: readonly { readonly run: RunOutline; readonly because: RunOutline }[];
  /** To be cancelled, because another takes their place. */
  readonly replaced: readonly { readonly run: RunOutline; readonly by: RunOutline }[];
}

const isOver = ({ desired }: RunOutline): boolean => desired === 'cancel' || desired === 'delete';

/**
 * `open`: all runs that have not ended, oldest first. In each scope of a quota the order is kept: who waits for room lets nobody pass.
 * Who waits for one that it replaces lets others pass.
 */
export function lineUp(
  open: readonly RunOutline[],
  quotaOf: (run: RunOutline) => Quota | undefined,
  policyOf: (run: RunOutline) => ConcurrencyPolicy,
): Line {
  const admitted: RunOutline[] = [];
  const refused: Line['refused'][number][] = [];
  const replaced = new Map<string, Line['replaced'][number]>();
  const used = new Map<string, number>();
  const full = new Set<string>();
  /** Open runs of a job that came before. */
  const before = new Map<string, RunOutline[]>();

  for (const run of open) {
    const scope = run.admittedAt === undefined ? undefined : quotaOf(run)?.scope;
    if (scope !== undefined) used.set(scope, (used.get(scope) ?? 0) + 1);
  }
  for (const run of open) {
    const key = `${run.namespace}/${run.job}`;
    const others = before.get(key) ?? [];
    if (run.admittedAt === undefined) {
      if (isOver(run)) continue;
      const policy = run.job === '' ? 'Allow' : policyOf(run);
      const [other] = others;
      if (policy === 'Forbid' && other) {
        refused.push({ run, because: other });
        continue;
      }
      if (policy === 'Replace') for (const one of others) if (!isOver(one)) replaced.set(one.uid, { run: one, by: run });
      if (run.desired !== 'pause' && (policy !== 'Replace' || !other) && hasRoom(run)) admitted.push(run);
    }
    before.set(key, [...others, run]);
  }
  return { admitted: admitted.filter(({ uid }) => !replaced.has(uid)), refused, replaced: [...replaced.values()] };

  function hasRoom(run: RunOutline): boolean {
    const quota = quotaOf(run);
    if (!quota) return true;
    const count = used.get(quota.scope) ?? 0;
    if (full.has(quota.scope) || count >= quota.limit) {
      full.add(quota.scope);
      return false;
    }
    used.set(quota.scope, count + 1);
    return true;
  }
}
