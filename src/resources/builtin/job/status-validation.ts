/** What a write of a Job's status may not say: each rule is asked only where what it is about changed, as the real server does. */
import { isDeepStrictEqual } from 'node:util';
import { duplicate, invalid, required } from '../../field-errors.ts';
import type { FieldError } from '../../kind.ts';
import { overlap } from './indexes.ts';
import { readOrError } from './policy-validation.ts';
import { hasCondition, isFinished, isIndexed, type Job, type JobStatus, type UncountedPods } from './types.ts';

const at = 'status';
const unshown = (says: string): FieldError => ({
  field: `${at}.conditions`,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${says}`,
});

export function statusErrors(job: Job, old: Job): FieldError[] {
  const { status = {} } = job;
  const { status: before = {} } = old;
  if (isDeepStrictEqual(status, before)) return [];
  return [
    ...numberErrors(status, before, job),
    ...timeErrors(job, old),
    ...conditionErrors(job, old),
    ...finishedErrors(job, old),
    ...indexErrors(job, before),
  ];
}

function numberErrors(status: JobStatus, before: JobStatus, job: Job): FieldError[] {
  const { active = 0, succeeded = 0, failed = 0, ready } = status;
  const errors = (['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    .filter((field) => (status[field] ?? 0) < 0)
    .map((field) => invalid(`${at}.${field}`, status[field], 'must be greater than or equal to 0'));
  errors.push(...uncountedErrors(status.uncountedTerminatedPods ?? {}));
  if ((ready !== before.ready || active !== (before.active ?? 0)) && ready !== undefined && ready > active)
    errors.push(invalid(`${at}.ready`, ready, 'cannot set more ready pods than active'));
  if (failed < (before.failed ?? 0)) errors.push(invalid(`${at}.failed`, failed, 'cannot decrease the failed counter'));
  // One whose completions go with its parallelism may be scaled down.
  const mayShrink = isIndexed(job) && job.spec.completions === job.spec.parallelism;
  if (!mayShrink && succeeded < (before.succeeded ?? 0))
    errors.push(invalid(`${at}.succeeded`, succeeded, 'cannot decrease the succeeded counter'));
  return errors;
}

function uncountedErrors(uncounted: UncountedPods): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((list) =>
    (uncounted[list] ?? []).flatMap((uid, index) => {
      const field = `${at}.uncountedTerminatedPods.${list}[${index}]`;
      if (uid === '') return [invalid(field, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(field, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function conditionErrors(job: Job, old: Job): FieldError[] {
  const changed = (...types: Parameters<typeof hasCondition>[1][]): boolean =>
    types.some((type) => hasCondition(job, type) !== hasCondition(old, type));
  const is = (type: Parameters<typeof hasCondition>[1]): boolean => hasCondition(job, type);
  const was = (type: Parameters<typeof hasCondition>[1]): boolean => hasCondition(old, type);
  const failedIndexesChanged = job.status?.failedIndexes !== old.status?.failedIndexes;
  const says: string[] = [];
  if (changed('Complete', 'Failed') && is('Complete') && is('Failed')) says.push('cannot set Complete=True and Failed=true conditions');
  if (changed('Complete', 'FailureTarget') && is('Complete') && is('FailureTarget'))
    says.push('cannot set Complete=True and FailureTarget=true conditions');
  if ((changed('Failed') || failedIndexesChanged) && is('Failed') && !is('FailureTarget'))
    says.push('cannot set Failed=True condition without the FailureTarget=true condition');
  if (changed('Complete', 'SuccessCriteriaMet') && is('Complete') && !is('SuccessCriteriaMet'))
    says.push('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  if (is('SuccessCriteriaMet') && is('Failed')) says.push('cannot set SuccessCriteriaMet=True and Failed=true conditions');
  if (is('SuccessCriteriaMet') && is('FailureTarget')) says.push('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  if (job.spec.successPolicy && !is('SuccessCriteriaMet') && is('Complete'))
    says.push('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True');
  for (const type of ['Failed', 'Complete', 'FailureTarget'] as const)
    if (was(type) && !is(type)) says.push(`cannot disable the terminal ${type}=True condition`);
  if (was('SuccessCriteriaMet') && !is('SuccessCriteriaMet')) says.push('cannot disable the SuccessCriteriaMet=True condition');
  if (was('Complete') && !was('SuccessCriteriaMet') && is('SuccessCriteriaMet'))
    says.push('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
  return says.map(unshown);
}

function timeErrors(job: Job, old: Job): FieldError[] {
  const { startTime, completionTime } = job.status ?? {};
  const before = old.status ?? {};
  const errors: FieldError[] = [];
  const startChanged = startTime !== before.startTime;
  const completionChanged = completionTime !== before.completionTime;
  if (completionChanged || hasCondition(job, 'Complete') !== hasCondition(old, 'Complete')) {
    if (completionTime && !hasCondition(job, 'Complete'))
      errors.push(invalid(`${at}.completionTime`, completionTime, 'cannot set completionTime when there is no Complete=True condition'));
    if (!completionTime && hasCondition(job, 'Complete'))
      errors.push(required(`${at}.completionTime`, 'completionTime is required for Complete jobs'));
  }
  if ((startChanged || completionChanged) && startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime))
    errors.push(invalid(`${at}.completionTime`, completionTime, 'must be equal to or after `startTime`'));
  if (completionTime && before.completionTime && completionChanged)
    errors.push(invalid(`${at}.completionTime`, completionTime, 'field is immutable'));
  const resumes = hasCondition(old, 'Suspended') && hasCondition(job, 'Suspended', 'False');
  if (startChanged && before.startTime && !resumes && !job.spec.suspend)
    errors.push(invalid(`${at}.startTime`, startTime ?? null, 'field is immutable for unsuspended job once set'));
  return errors;
}

/** As the server shows it. */
const inGo = ({ succeeded, failed }: UncountedPods): object => ({ Succeeded: succeeded ?? null, Failed: failed ?? null });

function finishedErrors(job: Job, old: Job): FieldError[] {
  if (!isFinished(job)) return [];
  const { active = 0, startTime, uncountedTerminatedPods: uncounted = {}, terminating } = job.status ?? {};
  const before = old.status ?? {};
  const finishes = !isFinished(old);
  const errors: FieldError[] = [];
  if ((finishes || active !== (before.active ?? 0)) && active > 0)
    errors.push(invalid(`${at}.active`, active, 'active>0 is invalid for finished job'));
  const neverRan = job.spec.suspend && job.spec.completions === 0;
  if ((finishes || startTime !== before.startTime) && !neverRan && !startTime)
    errors.push(required(`${at}.startTime`, 'startTime is required for finished job'));
  const left = [...(uncounted.failed ?? []), ...(uncounted.succeeded ?? [])];
  if ((finishes || !isDeepStrictEqual(uncounted, before.uncountedTerminatedPods ?? {})) && left.length > 0)
    errors.push(invalid(`${at}.uncountedTerminatedPods`, inGo(uncounted), 'must be empty for finished job'));
  if ((finishes || terminating !== before.terminating) && (terminating ?? 0) > 0)
    errors.push(invalid(`${at}.terminating`, terminating, 'terminating>0 is invalid for finished job'));
  return errors;
}

function indexErrors(job: Job, before: JobStatus): FieldError[] {
  const { completedIndexes: completed = '', failedIndexes: failed } = job.status ?? {};
  const { completions, backoffLimitPerIndex } = job.spec;
  const completedChanged = completed !== (before.completedIndexes ?? '');
  const failedChanged = failed !== before.failedIndexes;
  const errors: FieldError[] = [];
  const [read, readFailed] = [completed, failed ?? ''].map((text) => (completions === undefined ? [] : readOrError(text, completions)));
  if (completedChanged && typeof read === 'string')
    errors.push(invalid(`${at}.completedIndexes`, completed, `error parsing completedIndexes: ${read}`));
  if (failedChanged && backoffLimitPerIndex !== undefined && typeof readFailed === 'string')
    errors.push(invalid(`${at}.failedIndexes`, failed, `error parsing failedIndexes: ${readFailed}`));
  if (completedChanged && completed !== '' && !isIndexed(job))
    errors.push(invalid(`${at}.completedIndexes`, completed, 'cannot set non-empty completedIndexes when non-indexed completion mode'));
  if (failedChanged && backoffLimitPerIndex === undefined && failed !== undefined)
    errors.push(invalid(`${at}.failedIndexes`, failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'));
  const both =
    (completedChanged || failedChanged) && typeof read === 'object' && typeof readFailed === 'object'
      ? overlap(read, readFailed)
      : undefined;
  if (both !== undefined)
    errors.push(invalid(`${at}.failedIndexes`, failed, `failedIndexes and completedIndexes overlap at index: ${both}`));
  return errors;
}
