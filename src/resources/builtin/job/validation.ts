/** What the real server says of a Job beyond its structure. */
import { forbidden, invalid, required } from '../../field-errors.ts';
import type { FieldError } from '../../kind.ts';
import { labelSelectorErrors, selects } from '../../label-selector.ts';
import { dnsLabel, dnsSubdomain, labelValueSyntax, qualifiedName } from '../../names.ts';
import { podSpecErrors } from '../pod-validation.ts';
import { failurePolicyErrors, successPolicyErrors } from './policy-validation.ts';
import { statusErrors } from './status-validation.ts';
import { controllerUidLabel, isIndexed, type Job, jobNameLabel, type JobSpec, oldControllerUidLabel, oldJobNameLabel } from './types.ts';
import { specUpdateErrors } from './update-validation.ts';

const manyCompletions = 100_000;
const fewerForMany = 10_000;

export function jobErrors(job: Job, old?: Job): FieldError[] {
  const errors = [...selectorErrors(job), ...specErrors(job.spec)];
  const { completions = 0 } = job.spec;
  if (isIndexed(job) && completions > 0) {
    const host = `${job.metadata.name}-${completions - 1}`;
    if (dnsLabel(host).length > 0)
      errors.push(invalid('metadata.name', job.metadata.name, `will not able to create pod with invalid DNS label: ${host}`));
  }
  return old ? [...errors, ...specUpdateErrors(job, old), ...statusErrors(job, old)] : errors;
}

/** The labels that tell a Job's pods are the server's own to give. */
function selectorErrors({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector || !spec.selector) return [];
  const { name, uid = '' } = metadata;
  const labels = spec.template.metadata?.labels ?? {};
  const wanted = { [oldControllerUidLabel]: uid, [oldJobNameLabel]: name, [controllerUidLabel]: uid, [jobNameLabel]: name };
  const errors = Object.entries(wanted).flatMap(([key, value]) => {
    const field = `spec.template.metadata.labels[${key}]`;
    if (labels[key] === undefined) return [required(field, `must be '${value}'`)];
    return labels[key] === value ? [] : [invalid(field, sortedByKey(labels), `must be '${value}'`)];
  });
  if (!selects(spec.selector, wanted)) errors.push(invalid('spec.selector', selectorShown(spec.selector), '`selector` not auto-generated'));
  return errors;
}

const sortedByKey = (labels: Readonly<Record<string, string>>): object =>
  Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

const selectorShown = ({ matchLabels, matchExpressions }: NonNullable<JobSpec['selector']>): object => ({
  ...(matchLabels && { matchLabels: sortedByKey(matchLabels) }),
  ...(matchExpressions && { matchExpressions }),
});

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

function specErrors(spec: JobSpec): FieldError[] {
  const errors: FieldError[] = counts
    .filter((field) => (spec[field] ?? 0) < 0)
    .map((field) => invalid(`spec.${field}`, spec[field], 'must be greater than or equal to 0'));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(required('spec.backoffLimitPerIndex', 'when maxFailedIndexes is specified'));
  if (spec.managedBy !== undefined) errors.push(...managerErrors(spec.managedBy));
  errors.push(...(spec.completionMode === 'Indexed' ? indexedErrors(spec) : unindexedErrors(spec)));
  if (spec.podFailurePolicy) errors.push(...failurePolicyErrors(spec, 'spec.podFailurePolicy'));
  if (spec.successPolicy && spec.completionMode === 'Indexed') errors.push(...successPolicyErrors(spec, 'spec.successPolicy'));
  if (spec.podFailurePolicy && spec.podReplacementPolicy === 'TerminatingOrFailed')
    errors.push({
      field: 'spec.podReplacementPolicy',
      reason: 'FieldValueNotSupported',
      message: 'Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
    });
  errors.push(...templateErrors(spec));
  const { labels } = spec.template.metadata ?? {};
  const wrong = spec.selector ? labelSelectorErrors(spec.selector, 'spec.selector') : [];
  errors.push(...(spec.selector ? wrong : [required('spec.selector')]));
  if (wrong.length === 0 && !selects(spec.selector, labels))
    errors.push(
      invalid('spec.template.metadata.labels', labels ? sortedByKey(labels) : null, '`selector` does not match template `labels`'),
    );
  return errors;
}

function managerErrors(manager: string): FieldError[] {
  const field = 'spec.managedBy';
  if (manager === '') return [required(field)];
  const slash = manager.indexOf('/');
  const [host, path] = [manager.slice(0, slash), manager.slice(slash + 1)];
  const errors =
    slash <= 0 || path === ''
      ? [invalid(field, manager, 'must be a domain-prefixed path (such as "acme.io/foo")')]
      : [
          ...dnsSubdomain(host).map((says) => invalid(field, host, says)),
          ...(/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path)
            ? []
            : [invalid(field, path, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')")]),
        ];
  return manager.length > 63
    ? [...errors, { field, reason: 'FieldValueTooLong', message: 'Too long: may not be more than 63 bytes' }]
    : errors;
}

function indexedErrors(spec: JobSpec): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes: failed, backoffLimitPerIndex } = spec;
  const errors: FieldError[] = [];
  const most = (field: string, value: number, says: string): void => void errors.push(invalid(`spec.${field}`, value, says));
  if (completions === undefined) errors.push(required('spec.completions', 'when completion mode is Indexed'));
  if (parallelism > manyCompletions)
    most('parallelism', parallelism, `must be less than or equal to ${manyCompletions} when completion mode is Indexed`);
  if (completions !== undefined && failed !== undefined && failed > completions)
    most('maxFailedIndexes', failed, 'must be less than or equal to completions');
  if (failed !== undefined && failed > manyCompletions)
    most('maxFailedIndexes', failed, `must be less than or equal to ${manyCompletions}`);
  if ((completions ?? 0) <= manyCompletions || backoffLimitPerIndex === undefined) return errors;
  const says = `must be less than or equal to ${fewerForMany} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (failed === undefined)
    errors.push(required('spec.maxFailedIndexes', `must be specified when completions is above ${manyCompletions}`));
  if (parallelism > fewerForMany) most('parallelism', parallelism, says);
  if (failed !== undefined && failed > fewerForMany) most('maxFailedIndexes', failed, says);
  return errors;
}

const unindexedErrors = (spec: JobSpec): FieldError[] =>
  (['backoffLimitPerIndex', 'maxFailedIndexes', 'successPolicy'] as const)
    .filter((field) => spec[field] !== undefined)
    .map((field) => invalid(`spec.${field}`, field === 'successPolicy' ? inGo(spec) : spec[field], 'requires indexed completion mode'));

/** The policy as the server shows it. */
const inGo = ({ successPolicy }: JobSpec): object => ({
  Rules: successPolicy?.rules.map(({ succeededIndexes, succeededCount }) => ({
    SucceededIndexes: succeededIndexes ?? null,
    SucceededCount: succeededCount ?? null,
  })),
});

function templateErrors({ template, podFailurePolicy }: JobSpec): FieldError[] {
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const { restartPolicy, ephemeralContainers } = template.spec;
  const at = 'spec.template';
  const errors = Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedName(key).map((says) => invalid(`${at}.labels`, key, says)),
    ...labelValueSyntax(value).map((says) => invalid(`${at}.labels`, value, says)),
  ]);
  for (const key of Object.keys(annotations))
    errors.push(...qualifiedName(key.toLowerCase()).map((says) => invalid(`${at}.annotations`, key, says)));
  errors.push(...podSpecErrors(template.spec).map((error) => ({ ...error, field: `${at}.${error.field}` })));
  if (ephemeralContainers?.length)
    errors.push(forbidden(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  const field = `${at}.spec.restartPolicy`;
  if (restartPolicy === 'Always' || !restartPolicy) errors.push(required(field, 'valid values: "OnFailure", "Never"'));
  else if (restartPolicy !== 'Never' && restartPolicy !== 'OnFailure')
    errors.push({
      field,
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(restartPolicy)}: supported values: "OnFailure", "Never"`,
    });
  else if (podFailurePolicy && restartPolicy !== 'Never')
    errors.push(invalid(field, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified'));
  return errors;
}
