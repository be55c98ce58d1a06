/** What the real server says of a Job's policies of failure and of success. */
import { duplicate, invalid, notSupported, required, tooLong, tooMany } from '../../field-errors.ts';
import type { FieldError } from '../../kind.ts';
import { qualifiedName } from '../../names.ts';
import { countOf, IndexesError, type Interval, parseIndexes } from './indexes.ts';
import type { JobSpec, PodFailureRule, SuccessRule } from './types.ts';

const mostRules = 20;
const mostExitCodes = 255;
const conditionStatuses = ['False', 'True', 'Unknown'];
const longestIndexes = 64 * 1024;

/** Of what is wrong with several fields no value is shown. */
const unshown = (field: string, says: string): FieldError => ({ field, reason: 'FieldValueInvalid', message: `Invalid value: ${says}` });

export function failurePolicyErrors(spec: JobSpec, at: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const errors = rules.length > mostRules ? [tooMany(`${at}.rules`, rules.length, mostRules)] : [];
  const { containers, initContainers } = spec.template.spec;
  const names = new Set([...(containers ?? []), ...(initContainers ?? [])].map(({ name }) => name));
  rules.forEach((rule, index) => errors.push(...failureRuleErrors(spec, rule, `${at}.rules[${index}]`, names)));
  return errors;
}

function failureRuleErrors(spec: JobSpec, rule: PodFailureRule, at: string, names: ReadonlySet<string>): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors = action ? [] : [required(`${at}.action`, 'valid values: ["Count" "FailIndex" "FailJob" "Ignore"]')];
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    errors.push(invalid(`${at}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  if (onExitCodes) errors.push(...exitCodeErrors(onExitCodes, `${at}.onExitCodes`, names));
  if (onPodConditions.length > mostRules) errors.push(tooMany(`${at}.onPodConditions`, onPodConditions.length, mostRules));
  onPodConditions.forEach(({ type: given, status }, index) => {
    const field = `${at}.onPodConditions[${index}]`;
    const type = given ?? '';
    errors.push(...qualifiedName(type).map((says) => invalid(`${field}.type`, type, says)));
    if (!conditionStatuses.includes(status)) errors.push(notSupported(`${field}.status`, status, conditionStatuses));
  });
  if (onExitCodes && onPodConditions.length > 0)
    errors.push(unshown(at, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (!onExitCodes && onPodConditions.length === 0)
    errors.push(unshown(at, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return errors;
}

type ExitCodes = NonNullable<PodFailureRule['onExitCodes']>;

function exitCodeErrors({ containerName, operator, values }: ExitCodes, at: string, names: ReadonlySet<string>): FieldError[] {
  const errors = operator ? [] : [required(`${at}.operator`, 'valid values: ["In" "NotIn"]')];
  if (containerName !== undefined && !names.has(containerName))
    errors.push(invalid(`${at}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'));
  const field = `${at}.values`;
  if (!values?.length) return [...errors, invalid(field, values ?? null, 'at least one value is required')];
  if (values.length > mostExitCodes) errors.push(tooMany(field, values.length, mostExitCodes));
  values.forEach((value, index) => {
    if (operator === 'In' && value === 0) errors.push(invalid(`${field}[${index}]`, value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < index) errors.push(duplicate(`${field}[${index}]`, value));
  });
  if (values.some((value, index) => value < (values[index - 1] ?? value))) errors.push(invalid(field, values, 'must be ordered'));
  return errors;
}

export function successPolicyErrors(spec: JobSpec, at: string): FieldError[] {
  const rules = spec.successPolicy?.rules ?? [];
  const errors: FieldError[] = [];
  if (rules.length === 0) errors.push(required(`${at}.rules`, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > mostRules) errors.push(tooMany(`${at}.rules`, rules.length, mostRules));
  rules.forEach((rule, index) => errors.push(...successRuleErrors(spec.completions ?? 0, rule, `${at}.rules[${index}]`)));
  return errors;
}

function successRuleErrors(
  completions: number,
  { succeededIndexes: indexes, succeededCount: count }: SuccessRule,
  at: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (indexes === undefined && count === undefined)
    errors.push(required(at, 'at least one of succeededCount or succeededIndexes must be specified'));
  let total = 0;
  if (indexes !== undefined) {
    const field = `${at}.succeededIndexes`;
    if (indexes.length > longestIndexes) errors.push(tooLong(field, longestIndexes));
    const read = readOrError(indexes, completions);
    if (typeof read === 'string') errors.push(invalid(field, indexes, `error parsing succeededIndexes: ${read}`));
    else total = countOf(read);
  }
  if (count === undefined) return errors;
  const field = `${at}.succeededCount`;
  if (count < 0) errors.push(invalid(field, count, 'must be greater than or equal to 0'));
  if (count > completions)
    errors.push(invalid(field, count, `must be less than or equal to ${completions} (the number of specified completions)`));
  if (indexes !== undefined && count > total)
    errors.push(
      invalid(field, count, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`),
    );
  return errors;
}

/** The indexes, or the sentence why they are none. */
export function readOrError(text: string, completions: number): readonly Interval[] | string {
  try {
    return parseIndexes(text, completions);
  } catch (error) {
    if (error instanceof IndexesError) return error.message;
    throw error;
  }
}
