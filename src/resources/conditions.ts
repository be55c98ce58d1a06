/** `status.conditions`: what a resource says about itself. */
import type { Condition } from './object.ts';

/**
 * The conditions with `next` in its place. `lastTransitionTime` stays while the status does; the list itself stays (`===`) when
 * nothing differs, so that a reconciler sees that there is nothing to write.
 *
 * @example setCondition(status.conditions, { type: 'Ready', status: 'True', reason: 'Deployed', message: '' }, clock.now())
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  next: Omit<Condition, 'lastTransitionTime'>,
  now: number,
): readonly Condition[] {
  const list = conditions ?? [];
  const before = list.find(({ type }) => type === next.type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : `${new Date(now).toISOString().slice(0, 19)}Z`;
  const after: Condition = { ...next, lastTransitionTime };
  if (!before) return [...list, after];
  const same =
    before.reason === after.reason &&
    before.message === after.message &&
    before.status === after.status &&
    before.observedGeneration === after.observedGeneration;
  return same ? list : list.map((condition) => (condition === before ? after : condition));
}

/** The condition of a type. */
export const conditionOf = (
  object: { readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined },
  type: string,
): Condition | undefined => object.status?.conditions?.find((condition) => condition.type === type);

/** True when the condition `Ready` is `True` for the present spec. */
export function isReady(object: {
  readonly metadata: { readonly generation?: number };
  readonly status?:
    | { readonly conditions?: readonly Condition[] | undefined; readonly observedGeneration?: number | undefined }
    | undefined;
}): boolean {
  const ready = conditionOf(object, 'Ready');
  const seen = ready?.observedGeneration ?? object.status?.observedGeneration;
  return ready?.status === 'True' && (seen === undefined || object.metadata.generation === undefined || seen >= object.metadata.generation);
}
