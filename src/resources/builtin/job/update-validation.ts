/** What an update of a Job may change. */
import { isDeepStrictEqual } from 'node:util';
import { invalid } from '../../field-errors.ts';
import type { FieldError } from '../../kind.ts';
import type { PodSpec } from '../pod-types.ts';
import { hasCondition, isIndexed, type Job, type JobSpec, type PodTemplate } from './types.ts';

const fixed = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;

const immutable = (field: string, value: unknown): FieldError => invalid(field, value ?? null, 'field is immutable');

export function specUpdateErrors(job: Job, old: Job): FieldError[] {
  const { spec } = job;
  const errors = fixed
    .filter((field) => !isDeepStrictEqual(spec[field], old.spec[field]))
    .map((field) => immutable(`spec.${field}`, spec[field]));
  if (spec.completions !== old.spec.completions) {
    if (!isIndexed(job)) errors.push(immutable('spec.completions', spec.completions));
    else if (spec.completions !== undefined && spec.completions !== spec.parallelism)
      errors.push(invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism'));
  }
  return [...errors, ...templateErrors(spec, old)];
}

/** Where its pods go and what they use may change while a Job is suspended and none of them runs. */
function templateErrors({ template }: JobSpec, old: Job): FieldError[] {
  const { spec, status } = old;
  const isRested = spec.suspend && (status?.startTime === undefined || hasCondition(old, 'Suspended')) && !status?.active;
  if (!isRested) return isDeepStrictEqual(template, spec.template) ? [] : [immutable('spec.template', template)];
  const before = withChoice(spec.template, template);
  return isDeepStrictEqual(withAmounts(template.spec, template.spec), withAmounts(before.spec, template.spec))
    ? []
    : [immutable('spec.template.spec', template.spec)];
}

type Affine = PodSpec & { readonly affinity?: { readonly nodeAffinity?: object } & Record<string, unknown> };

/** The template with what says where pods go as the other has it. */
function withChoice(template: PodTemplate, other: PodTemplate): PodTemplate {
  const { nodeSelector: _selector, tolerations: _tolerations, schedulingGates: _gates, affinity, ...spec } = template.spec as Affine;
  const { nodeAffinity: _, ...between } = affinity ?? {};
  const wanted = other.spec as Affine;
  const joined = { ...between, ...(wanted.affinity?.nodeAffinity && { nodeAffinity: wanted.affinity.nodeAffinity }) };
  const chosen = {
    nodeSelector: wanted.nodeSelector,
    tolerations: wanted.tolerations,
    schedulingGates: wanted.schedulingGates,
    affinity: Object.keys(joined).length > 0 || (wanted.affinity && Object.keys(wanted.affinity).length === 0) ? joined : undefined,
  };
  return { ...template, spec: { ...spec, ...Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)) } };
}

/** The spec with the resources of the other's containers of the same place and name. */
function withAmounts(spec: PodSpec, other: PodSpec): PodSpec {
  const taken = (list: 'containers' | 'initContainers'): PodSpec['containers'] | undefined =>
    spec[list]?.length === other[list]?.length
      ? spec[list]?.map(({ resources: own, ...container }, index) => {
          const counterpart = other[list]?.[index];
          const resources = counterpart?.name === container.name ? counterpart.resources : own;
          return { ...container, ...(resources && { resources }) };
        })
      : spec[list];
  const initContainers = taken('initContainers');
  return { ...spec, containers: taken('containers') ?? [], ...(initContainers && { initContainers }) };
}
