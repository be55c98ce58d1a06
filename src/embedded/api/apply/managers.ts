/** `metadata.managedFields`: who wrote which fields, how and when. */
import { isMapping } from '../../../resources/resolve.ts';
import { empty, isEmpty, isFieldSet, sameSet, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** By `identity`. */
export type Managers = ReadonlyMap<string, Manager>;

export const nobody: Managers = new Map();

/** Who an entry belongs to, and its place among others. An applier stays the same whatever version it applies. */
export const identity = ({ manager, operation, apiVersion, subresource }: Omit<Manager, 'time' | 'fields'>): string =>
  JSON.stringify({ manager, operation, ...(operation === 'Update' && { apiVersion }), ...(subresource && { subresource }) });

/** The entries of `managedFields`; undefined where one of them is none. */
export function readManagers(entries: unknown): Managers | undefined {
  if (!Array.isArray(entries)) return undefined;
  const managers = new Map<string, Manager>();
  for (const entry of entries as unknown[]) {
    if (!isMapping(entry)) return undefined;
    const { manager = '', operation, apiVersion, subresource = '', time, fieldsType, fieldsV1 = empty } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || fieldsType !== 'FieldsV1') return undefined;
    if (typeof apiVersion !== 'string' || apiVersion === '' || typeof manager !== 'string' || typeof subresource !== 'string')
      return undefined;
    if (!isFieldSet(fieldsV1)) return undefined;
    const read = {
      manager,
      operation,
      apiVersion,
      subresource,
      time: typeof time === 'string' ? time : undefined,
      fields: fieldsV1,
    } as const;
    managers.set(identity(read), read);
  }
  return managers;
}

/** A client that sends an empty list, or one empty entry, asks to forget all managers. */
export function asksToForget(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  return entries.length === 0 || (entries.length === 1 && isMapping(entries[0]) && Object.keys(entries[0]).length === 0);
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Appliers first, then by time: the order of the API. */
const inOrder = (a: Manager, b: Manager): number =>
  byText(a.operation, b.operation) ||
  byText(a.time ?? '', b.time ?? '') ||
  byText(a.manager, b.manager) ||
  byText(a.apiVersion, b.apiVersion) ||
  byText(a.subresource, b.subresource);

const texts = new WeakMap<FieldSet, string>();

/** A write changes the fields of few managers: the others' text is there already. */
function fieldsText(fields: FieldSet): string {
  let text = texts.get(fields);
  if (text === undefined) texts.set(fields, (text = JSON.stringify(fields)));
  return text;
}

function entryText({ manager, operation, apiVersion, subresource, time, fields }: Manager): string {
  const head = JSON.stringify({ manager, operation, apiVersion, time, fieldsType: 'FieldsV1', ...(subresource && { subresource }) });
  return `${head.slice(0, -1)},"fieldsV1":${fieldsText(fields)}}`;
}

/** What was met last by its text: who writes an object will often write it again, and like objects have the same text. */
const met = new Map<string, Managers>();
const mostMet = 256;

function remember(text: string, managers: Managers): void {
  if (met.size >= mostMet) {
    const [oldest = ''] = met.keys();
    met.delete(oldest);
  }
  met.set(text, managers);
}

/** As JSON text; '' when there are no managers. */
export function managersText(managers: Managers): string {
  if (managers.size === 0) return '';
  const text = `[${[...managers.values()].sort(inOrder).map(entryText).join(',')}]`;
  remember(text, managers);
  return text;
}

/** What `managersText` wrote. */
export function managersFrom(text: string): Managers {
  if (text === '') return nobody;
  let managers = met.get(text);
  if (!managers) remember(text, (managers = readManagers(JSON.parse(text)) ?? nobody));
  return managers;
}

/** The same, whatever the times. */
export function sameManagers(a: Managers, b: Managers): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [id, { apiVersion, fields }] of a) {
    const other = b.get(id);
    if (!other || other.apiVersion !== apiVersion || !sameSet(fields, other.fields)) return false;
  }
  return true;
}

/** Each with its fields changed; who has none left is gone. */
export function mapFields(managers: Managers, change: (fields: FieldSet, id: string) => FieldSet): Managers {
  let changed: Map<string, Manager> | undefined;
  for (const [id, manager] of managers) {
    const fields = change(manager.fields, id);
    if (fields === manager.fields) continue;
    changed ??= new Map(managers);
    if (isEmpty(fields)) changed.delete(id);
    else changed.set(id, { ...manager, fields });
  }
  return changed ?? managers;
}

/** More updaters than this are not told apart: the oldest become one. */
const mostUpdaters = 10;

export function withoutAncient(managers: Managers): Managers {
  const updaters = [...managers.values()].filter(({ operation }) => operation === 'Update');
  if (updaters.length <= mostUpdaters) return managers;
  updaters.sort((a, b) => byText(a.time ?? '', b.time ?? '') || byText(identity(a), identity(b)));
  const kept = new Map(managers);
  const ancient = updaters.slice(0, updaters.length - mostUpdaters + 1);
  for (const each of ancient) kept.delete(identity(each));
  const { apiVersion, time } = ancient.at(-1) as Manager;
  const fields = ancient.reduce((all, each) => union(all, each.fields), empty);
  const bucket: Manager = { manager: 'ancient-changes', operation: 'Update', apiVersion, subresource: '', time, fields };
  return kept.set(identity(bucket), bucket);
}
