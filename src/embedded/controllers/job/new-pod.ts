/** The pod that a Job's template makes. Pure. */
import { isIndexed, type Job } from '../../../resources/builtin/job/types.ts';
import type { Container, Pod } from '../../../resources/builtin/pod-types.ts';
import { dnsSubdomain } from '../../../resources/names.ts';
import { judgeFailure } from './failure-policy.ts';
import { failuresAnnotation, ignoredFailuresAnnotation, indexAnnotation, indexVariable, trackingFinalizer } from './names.ts';
import { failuresBefore, ignoredFailuresBefore } from './pod-state.ts';

/** What of a generated name is given by who asks for it. */
const longestBase = 58;

/** `index`: of an indexed Job; `before`: the pod of the same index that this one replaces. */
export function newPod(job: Job, index: number | undefined, before?: Pod): Pod {
  const { metadata, spec } = job;
  const { template } = spec;
  const { labels, annotations, finalizers = [] } = template.metadata ?? {};
  const counts = spec.backoffLimitPerIndex !== undefined && index !== undefined ? failureCounts(job, before) : {};
  const indexed = index === undefined ? {} : { [indexAnnotation]: String(index) };
  const notes = { ...annotations, ...indexed, ...counts };
  const variables = isIndexed(job);
  const { initContainers } = template.spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: index === undefined ? prefixOf(metadata.name) : indexedPrefix(metadata.name, index),
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels: { ...labels, ...indexed },
      ...(Object.keys(notes).length > 0 && { annotations: notes }),
      finalizers: finalizers.includes(trackingFinalizer) ? finalizers : [...finalizers, trackingFinalizer],
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'Job', name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: {
      ...template.spec,
      ...(variables && { containers: template.spec.containers.map(withIndexVariable) }),
      ...(variables && initContainers && { initContainers: initContainers.map(withIndexVariable) }),
      ...(index !== undefined && { hostname: `${metadata.name}-${index}` }),
    },
  };
}

const prefixOf = (name: string): string => (dnsSubdomain(`${name}-a`).length === 0 ? `${name}-` : name);

function indexedPrefix(name: string, index: number): string {
  const end = `-${index}-`;
  return `${name.length + end.length > longestBase ? name.slice(0, longestBase - end.length) : name}${end}`;
}

const withIndexVariable = (container: Container): Container =>
  container.env?.some(({ name }) => name === indexVariable)
    ? container
    : {
        ...container,
        env: [
          ...(container.env ?? []),
          { name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } } },
        ],
      };

function failureCounts(job: Job, before: Pod | undefined): Record<string, string> {
  if (!before) return { [failuresAnnotation]: '0' };
  const { counts } = judgeFailure(job, before);
  const ignored = ignoredFailuresBefore(before) + (counts ? 0 : 1);
  return {
    [failuresAnnotation]: String(failuresBefore(before) + (counts ? 1 : 0)),
    ...(ignored > 0 && { [ignoredFailuresAnnotation]: String(ignored) }),
  };
}
