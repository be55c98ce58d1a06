/** The query of a request, read as the options of its verb. */
import { forbidden, invalid, required, tooLong } from '../../resources/field-errors.ts';
import type { FieldError } from '../../resources/kind.ts';
import type { ApplyCall } from './applying.ts';
import type { FieldValidation } from './decode-object.ts';
import type { ApiRequest } from './request.ts';
import { badRequest, invalidOptions } from './status.ts';
import { isPrintable, nameOfAgent } from './writers.ts';
import type { WriteCall } from './creating.ts';
import type { ListCall } from './reading.ts';
import type { WatchCall } from './watching.ts';

export const flag = (query: URLSearchParams, name: string): boolean | undefined => {
  const value = query.get(name);
  if (value === null) return undefined;
  return value !== 'false' && value !== '0';
};

export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

const present = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined | null> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null && value !== '')) as never;

export const isWatch = (query: URLSearchParams): boolean => flag(query, 'watch') ?? false;

export function listOptions(query: URLSearchParams): ListCall {
  integer(query, 'timeoutSeconds');
  return present({
    labelSelector: query.get('labelSelector'),
    fieldSelector: query.get('fieldSelector'),
    limit: integer(query, 'limit'),
    continue: query.get('continue'),
    resourceVersion: query.get('resourceVersion'),
    resourceVersionMatch: query.get('resourceVersionMatch'),
    sendInitialEvents: flag(query, 'sendInitialEvents'),
  });
}

export const watchOptions = (query: URLSearchParams, signal: AbortSignal | undefined): WatchCall =>
  present({
    labelSelector: query.get('labelSelector'),
    fieldSelector: query.get('fieldSelector'),
    resourceVersion: query.get('resourceVersion'),
    resourceVersionMatch: query.get('resourceVersionMatch'),
    sendInitialEvents: flag(query, 'sendInitialEvents'),
    allowBookmarks: flag(query, 'allowWatchBookmarks'),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    continue: query.get('continue'),
    signal,
  });

/** `options`: CreateOptions, UpdateOptions or PatchOptions, for messages. */
export function writeOptions({ query, userAgent = '' }: ApiRequest, options: string, isApply = false): WriteCall {
  const errors: FieldError[] = [];
  const fieldManager = query.get('fieldManager') ?? '';
  if (isApply && fieldManager === '') errors.push(required('fieldManager', 'is required for apply patch'));
  if (!isApply && options === 'PatchOptions' && query.get('force'))
    errors.push(forbidden('force', 'may not be specified for non-apply patch'));
  errors.push(...managerErrors(fieldManager));
  const dryRun = query.getAll('dryRun');
  errors.push(...dryRunError(dryRun));
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (fieldValidation !== 'Strict' && fieldValidation !== 'Warn' && fieldValidation !== 'Ignore') {
    const message = `Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "", "Ignore", "Strict", "Warn"`;
    errors.push({ field: 'fieldValidation', reason: 'FieldValueNotSupported', message });
  }
  if (errors.length > 0) throw invalidOptions(options, errors);
  return {
    fieldValidation: fieldValidation as FieldValidation,
    dryRun: dryRun.length > 0,
    fieldManager: fieldManager || nameOfAgent(userAgent),
  };
}

export function applyOptions(request: ApiRequest): ApplyCall {
  const options = writeOptions(request, 'PatchOptions', true);
  return { ...options, fieldManager: options.fieldManager ?? '', force: flag(request.query, 'force') ?? false };
}

const longestManager = 128;

function managerErrors(name: string): FieldError[] {
  const errors = Buffer.byteLength(name) > longestManager ? [tooLong('fieldManager', longestManager)] : [];
  let position = 0;
  for (const char of name) {
    const code = (char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
    if (!isPrintable(char)) errors.push(invalid('fieldManager', name, `invalid character U+${code} (at position ${position})`));
    position += Buffer.byteLength(char);
  }
  return errors;
}

/** `All` is the only dry run there is. */
export function dryRunError(values: readonly string[]): FieldError[] {
  if (values.every((value) => value === 'All')) return [];
  const message = `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`;
  return [{ field: 'dryRun', reason: 'FieldValueNotSupported', message }];
}
