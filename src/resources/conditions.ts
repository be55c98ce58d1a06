/** `status.conditions`: what a resource says about itself. */
import { z } from 'zod';
import type { Condition } from './object.ts';
import { listByKey } from './schema.ts';

const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .describe('Why, in one CamelCase word.'),
  message: z.string().max(32_768).describe('For people.'),
  lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When status changed last.'),
  observedGeneration: z.int().min(0).optional().meta({ format: 'int64' }).describe('The generation of the spec that this is about.'),
});

/** The fields that every status of ours has. */
export const statusFields = {
  conditions: listByKey(condition, 'type', 32).optional().describe('The state of the resource; Ready says whether it works.'),
  observedGeneration: z.int().min(0).optional().meta({ format: 'int64' }).describe('The generation of the spec that the status is about.'),
};

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
