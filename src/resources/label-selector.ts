/** meta.v1.LabelSelector: whom it selects, what is wrong with it, and how the server prints it. */
import { forbidden, invalid, required } from './field-errors.ts';
import type { FieldError } from './kind.ts';
import { labelValueSyntax, qualifiedName } from './names.ts';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelRequirement[];
}

type Labels = Readonly<Record<string, string>>;

/** An empty selector selects everything, an absent one nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (!selector) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every((each) => meets(each, labels))
  );
}

function meets({ key, operator, values = [] }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  if (operator === 'In') return value !== undefined && values.includes(value);
  return operator === 'NotIn' && (value === undefined || !values.includes(value));
}

export function labelSelectorErrors({ matchLabels = {}, matchExpressions = [] }: LabelSelector, at: string): FieldError[] {
  const errors = Object.entries(matchLabels).flatMap(([key, value]) => [
    ...qualifiedName(key).map((says) => invalid(`${at}.matchLabels`, key, says)),
    ...labelValueSyntax(value).map((says) => invalid(`${at}.matchLabels`, value, says)),
  ]);
  matchExpressions.forEach((each, index) => errors.push(...requirementErrors(each, `${at}.matchExpressions[${index}]`)));
  return errors;
}

function requirementErrors({ key, operator, values = [] }: LabelRequirement, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
  errors.push(...qualifiedName(key).map((says) => invalid(`${at}.key`, key, says)));
  values.forEach((value, index) => errors.push(...labelValueSyntax(value).map((says) => invalid(`${at}.values[${index}]`, value, says))));
  return errors;
}

/** As in a column: `a=b,c in (d,e),!f`; nothing: `<none>`. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  const parts = [
    ...Object.entries(matchLabels).map(([key, value]): [string, string] => [key, `${key}=${value}`]),
    ...matchExpressions.map(({ key, operator, values = [] }): [string, string] => {
      const list = `(${values.toSorted().join(',')})`;
      const texts: Readonly<Record<string, string>> = { In: `${key} in ${list}`, NotIn: `${key} notin ${list}`, Exists: key };
      return [key, texts[operator] ?? `!${key}`];
    }),
  ];
  return parts.length === 0
    ? '<none>'
    : parts
        .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([, text]) => text)
        .join(',');
}
