/** The query of a request, read as the options of its verb. */
import { badRequest, invalidOption } from './status.ts';
import type { WriteCall } from './creating.ts';
import type { ListCall } from './reading.ts';
import type { WatchCall } from './watching.ts';

const flag = (query: URLSearchParams, name: string): boolean | undefined => {
  const value = query.get(name);
  if (value === null) return undefined;
  return value !== 'false' && value !== '0';
};

function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

const present = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined | null> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null && value !== '')) as never;

export const isWatch = (query: URLSearchParams): boolean => flag(query, 'watch') ?? false;

export const listOptions = (query: URLSearchParams): ListCall =>
  present({
    labelSelector: query.get('labelSelector'),
    fieldSelector: query.get('fieldSelector'),
    limit: integer(query, 'limit'),
    continue: query.get('continue'),
    resourceVersion: query.get('resourceVersion'),
    resourceVersionMatch: query.get('resourceVersionMatch'),
  });

export const watchOptions = (query: URLSearchParams, signal: AbortSignal | undefined): WatchCall =>
  present({
    labelSelector: query.get('labelSelector'),
    fieldSelector: query.get('fieldSelector'),
    resourceVersion: query.get('resourceVersion'),
    resourceVersionMatch: query.get('resourceVersionMatch'),
    sendInitialEvents: flag(query, 'sendInitialEvents'),
    allowBookmarks: flag(query, 'allowWatchBookmarks'),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    signal,
  });

/** `options`: CreateOptions, UpdateOptions or PatchOptions, for messages. */
export function writeOptions(query: URLSearchParams, options: string): WriteCall {
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (fieldValidation !== 'Strict' && fieldValidation !== 'Warn' && fieldValidation !== 'Ignore') {
    const message = `Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "", "Ignore", "Strict", "Warn"`;
    throw invalidOption(options, { field: 'fieldValidation', reason: 'FieldValueNotSupported', message });
  }
  return { fieldValidation, dryRun: dryRun(query.getAll('dryRun'), options) };
}

export function dryRun(values: readonly string[], options: string): boolean {
  const given = values.filter((value) => value !== '');
  if (given.some((value) => value !== 'All')) {
    throw invalidOption(options, {
      field: 'dryRun',
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(given)}: supported values: "All"`,
    });
  }
  return given.length > 0;
}
