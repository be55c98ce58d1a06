/** A Job's conditions. Pure. */
import type { JobCondition } from '../../../resources/builtin/job/types.ts';

type Told = Pick<JobCondition, 'type' | 'status'> & { readonly reason: string; readonly message: string };

/** With this condition as it now is; the same list when it was so before. What never was true does not become false. */
export function withCondition(conditions: readonly JobCondition[], told: Told, now: string): readonly JobCondition[] {
  const known = conditions.find(({ type }) => type === told.type);
  const isSame = known?.status === told.status && known.reason === told.reason && known.message === told.message;
  if (isSame || (!known && told.status === 'False')) return conditions;
  const next: JobCondition = { ...told, lastProbeTime: now, lastTransitionTime: now };
  return known ? conditions.map((condition) => (condition === known ? next : condition)) : [...conditions, next];
}
