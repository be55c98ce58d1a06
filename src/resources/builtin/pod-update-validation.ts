/** What an update of a pod may change. */
import { isDeepStrictEqual } from 'node:util';
import { forbidden, invalid } from '../field-errors.ts';
import type { FieldError } from '../kind.ts';
import type { PodSpec } from './pod-types.ts';

const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

export function updateErrors(spec: PodSpec, old: PodSpec): FieldError[] {
  const counts = (['containers', 'initContainers'] as const).filter((list) => (spec[list]?.length ?? 0) !== (old[list]?.length ?? 0));
  if (counts.length > 0) return counts.map((list) => forbidden(`spec.${list}`, 'pod updates may not add or remove containers'));
  const deadline = deadlineErrors(spec.activeDeadlineSeconds, old.activeDeadlineSeconds);
  // One that is taken away is told beside the rest; a wrong one alone.
  if (deadline.length > 0 && spec.activeDeadlineSeconds !== undefined) return deadline;
  const errors: FieldError[] = [];
  const kept = (spec.tolerations ?? []).map(untimed);
  if ((old.tolerations ?? []).some((toleration) => !kept.some((each) => isDeepStrictEqual(each, untimed(toleration)))))
    errors.push(forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  const gates = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  (spec.schedulingGates ?? []).forEach(({ name }, index) => {
    const says = `only deletion is allowed, but found new scheduling gate '${name}'`;
    if (!gates.has(name)) errors.push(forbidden(`spec.schedulingGates[${index}].name`, says));
  });
  if (errors.length > 0) return [...deadline, ...errors];
  return isDeepStrictEqual(fixed(spec), fixed(old)) ? deadline : [...deadline, forbidden('spec', mayChange)];
}

function deadlineErrors(deadline: number | undefined, old: number | undefined): FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  if (deadline !== undefined) {
    if (deadline < 0 || deadline > 2 ** 31 - 1) return [invalid(field, deadline, 'must be between 0 and 2147483647, inclusive')];
    return old !== undefined && old < deadline ? [invalid(field, deadline, 'must be less than or equal to previous value')] : [];
  }
  return old === undefined ? [] : [invalid(field, null, 'must not update from a positive integer to nil value')];
}

const untimed = (toleration: object): object => {
  const { tolerationSeconds: _, ...rest } = toleration as { tolerationSeconds?: number };
  return rest;
};

/** The spec without what may change; undefined fields compare as absent. */
function fixed(spec: PodSpec): object {
  const images = (containers: readonly object[] = []): object[] =>
    containers.map((container) => present({ ...container, image: undefined }));
  return present({
    ...spec,
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    schedulingGates: undefined,
    containers: images(spec.containers),
    initContainers: images(spec.initContainers),
  });
}

const present = (object: object): object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
