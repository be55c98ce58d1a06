/** The row of `kubectl get jobs`, as the real server computes it. */
import { humanDuration, moment } from '../../cells.ts';
import type { Cell } from '../../kind.ts';
import { selectorText } from '../../label-selector.ts';
import { hasCondition, type Job } from './types.ts';

const reached = ['Complete', 'Failed'] as const;
const onTheWay = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'] as const;

function statusOf(job: Job): string {
  const end = reached.find((type) => hasCondition(job, type));
  if (end) return end;
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return onTheWay.find((type) => hasCondition(job, type)) ?? 'Running';
}

function completionsOf({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  return (spec.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`;
}

function durationOf({ startTime, completionTime }: NonNullable<Job['status']> = {}): string {
  if (!startTime) return '';
  return completionTime ? humanDuration(Date.parse(completionTime) - Date.parse(startTime)) : moment(startTime);
}

export function jobCells(job: Job): readonly Cell[] {
  const containers = job.spec.template.spec.containers ?? [];
  return [
    job.metadata.name,
    statusOf(job),
    completionsOf(job),
    durationOf(job.status),
    moment(job.metadata.creationTimestamp),
    containers.map(({ name }) => name).join(','),
    containers.map(({ image = '' }) => image).join(','),
    selectorText(job.spec.selector),
  ];
}
